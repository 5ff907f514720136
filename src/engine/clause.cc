// Running a clause: predicate, actions, its record, its aggregations, and what happens when it faults.
#include <algorithm>

#include "engine/machine.h"

namespace ht::engine {

using dif::ActionKind;
using dif::Fault;

namespace {

void add_to(uint64_t& word, uint64_t value) {
  word += value;
}

// Applies one value to a bin. `increment` is 1 unless the program says otherwise.
void update(const LoadedAggregation& aggregation, uint64_t* words, int64_t value, uint64_t increment) {
  switch (aggregation.function) {
    case ActionKind::kCount:
      add_to(words[0], 1);
      break;
    case ActionKind::kSum:
      add_to(words[0], static_cast<uint64_t>(value));
      break;
    case ActionKind::kMin:
      words[0] = static_cast<uint64_t>(std::min(static_cast<int64_t>(words[0]), value));
      break;
    case ActionKind::kMax:
      words[0] = static_cast<uint64_t>(std::max(static_cast<int64_t>(words[0]), value));
      break;
    case ActionKind::kAvg:
      add_to(words[0], 1);
      add_to(words[1], static_cast<uint64_t>(value));
      break;
    case ActionKind::kStddev: {
      const auto square = static_cast<unsigned __int128>(static_cast<__int128>(value) * value);
      const auto total = (static_cast<unsigned __int128>(words[3]) << 64 | words[2]) + square;
      add_to(words[0], 1);
      add_to(words[1], static_cast<uint64_t>(value));
      words[2] = static_cast<uint64_t>(total);
      words[3] = static_cast<uint64_t>(total >> 64);
      break;
    }
    case ActionKind::kQuantize:
      add_to(words[dif::quantize_bucket(value)], increment);
      break;
    case ActionKind::kLquantize:
      add_to(words[dif::lquantize_bucket(value, aggregation.lquantize)], increment);
      break;
    case ActionKind::kLlquantize:
      add_to(words[dif::llquantize_bucket(value, aggregation.llquantize)], increment);
      break;
    default:
      break;
  }
}

}  // namespace

void Machine::fire(FiringContext& context, const EcbGroup& group, SessionState allowed) {
  context_ = &context;
  args_ = context.firing.args.data();
  symbols_ = group.symbols.get();
  ++firing_;
  uint64_t runs = 0;
  for (const Ecb& ecb : group.ecbs) {
    // exit() stops even the next clause of the same probe; END's clauses all run.
    if (allowed != SessionState::kDraining && session_.state() != allowed) break;
    ++runs;
    run_clause(ecb);
  }
  aggregations_.leave();
  auto& counter = group.counters[slot_].count;
  counter.store(counter.load(std::memory_order_relaxed) + runs, std::memory_order_relaxed);
}

void Machine::run_clause(const Ecb& ecb) {
  ecb_ = &ecb;
  record_ = nullptr;
  speculating_ = false;
  exiting_ = false;
  fault_ = {};
  reset_scratch();
  const LoadedClause& clause = *ecb.clause;
  if (clause.has_predicate) {
    const Code& code = ecb.program->codes[clause.predicate];
    Value value;
    if (!run(code, &value)) return handle_fault(0);
    if (narrow(value.bits, code.size, code.is_signed) == 0) return;
  }
  if (clause.recorded) begin_record();
  if (!run_actions()) return;
  if (clause.recorded) finish_record();
}

bool Machine::run_actions() {
  const LoadedClause& clause = *ecb_->clause;
  const auto count = static_cast<uint32_t>(clause.actions.size());
  for (uint32_t index = 0; index < count;) {
    const LoadedAction& action = clause.actions[index];
    uint32_t next = index + 1;
    bool ok = true;
    if (action.kind == ActionKind::kJump) {
      next = action.target;
    } else if (action.kind == ActionKind::kBranchFalse) {
      Value condition;
      ok = evaluate(action.args[0], &condition);
      if (ok && scalar(action.args[0], condition) == 0) next = action.target;
    } else {
      if (clause.has_presence && record_ != nullptr) record_[sizeof(RecordHeader) + index] = 1;
      ok = run_action(action);
    }
    if (!ok) {
      handle_fault(index + 1);
      return false;
    }
    index = next;
  }
  return true;
}

bool Machine::evaluate(const LoadedArg& arg, Value* value) {
  return run(ecb_->program->codes[arg.code], value);
}

uint64_t Machine::scalar(const LoadedArg& arg, Value value) const {
  const Code& code = ecb_->program->codes[arg.code];
  return narrow(value.bits, code.size, code.is_signed);
}

bool Machine::run_action(const LoadedAction& action) {
  if (dif::is_aggregation(action.kind)) return aggregate(action);
  switch (action.kind) {
    case ActionKind::kRaise:
    case ActionKind::kStop:
    case ActionKind::kChill:
      return run_destructive(action);
    case ActionKind::kSpeculate:
    case ActionKind::kCommit:
    case ActionKind::kDiscard:
      return run_speculative(action);
    default:
      break;
  }
  uint8_t* base = record_ == nullptr ? nullptr : record_ + sizeof(RecordHeader);
  if (action.has_field && base != nullptr) store_stack(action.kind, base + action.offset, action.size);
  for (const LoadedArg& arg : action.args) {
    Value value;
    if (!evaluate(arg, &value)) return false;
    if (action.kind == ActionKind::kExit) {
      // Nothing else runs from here on; the status is the record's to give.
      exiting_ = true;
      exit_status_ = static_cast<int32_t>(value.bits);
      session_.advance(SessionState::kDraining);
    }
    uint32_t used;
    if (arg.has_field && base != nullptr && !store_arg(arg, value, base, &used)) return false;
  }
  return true;
}

bool Machine::run_speculative(const LoadedAction& action) {
  Value value;
  if (action.args.empty()) return fail(Fault::kIllop);
  if (!evaluate(action.args[0], &value)) return false;
  const auto id = static_cast<int32_t>(scalar(action.args[0], value));
  Speculations& speculations = session_.speculations;
  if (id < 0 || static_cast<uint32_t>(id) > speculations.count()) return fail(Fault::kIllop);
  if (action.args[0].has_field) std::memcpy(record_ + sizeof(RecordHeader) + action.args[0].offset, &id, sizeof id);
  switch (action.kind) {
    case ActionKind::kSpeculate:
      speculating_ = true;
      speculation_ = static_cast<uint32_t>(id);
      speculation_use_ = speculations.use(speculation_);
      break;
    case ActionKind::kCommit: {
      const uint64_t lost =
          speculations.commit(static_cast<uint32_t>(id), context_->timestamp(), records_, end_reserve());
      if (lost != 0) lose_records(lost);
      break;
    }
    default:
      speculations.discard(static_cast<uint32_t>(id), context_->timestamp());
  }
  return true;
}

// The record is built in the ring itself, unseen until published; aside if it does not fit (it still has to be
// evaluated for what else it does) or if its way is not known yet.
void Machine::begin_record() {
  const LoadedClause& clause = *ecb_->clause;
  record_ = clause.buffered ? nullptr : records_.reserve(clause.record_size, clause.record_cost, end_reserve());
  record_fits_ = record_ != nullptr;
  if (!record_fits_) record_ = reinterpret_cast<uint8_t*>(ecb_->program->staging[slot_].record.get());
  uint8_t* data = record_ + sizeof(RecordHeader);
  if (clause.has_presence) {
    std::memset(data, 0, clause.record_size - sizeof(RecordHeader));
  } else {
    for (const LoadedClause::Gap& gap : clause.gaps) std::memset(data + gap.offset, 0, gap.size);
  }
}

// Policy fill: what is kept of the buffer for END.
uint64_t Machine::end_reserve() const {
  return session_.state() == SessionState::kDraining ? 0 : session_.end_reserve;
}

// The principal buffer has no room for them.
void Machine::lose_records(uint64_t count) {
  if (session_.config.policy == BufferPolicy::kFill && session_.state() < SessionState::kDraining) {
    session_.advance(SessionState::kDraining);  // it is filled: that is what was asked for
    return;
  }
  session_.memory.count_cpu_drop(slot_, context_->firing.target, context_->firing.cpu, false, count);
}

void Machine::fill_header(uint8_t* record, RecordKind kind, uint32_t size, uint32_t cost) {
  RecordHeader header;
  header.size = size;
  header.kind = static_cast<uint16_t>(kind);
  header.target = context_->firing.target;
  header.cost = cost;
  header.variant = static_cast<uint16_t>(ecb_->program->variant);
  header.cpu = static_cast<uint16_t>(context_->firing.cpu);
  header.clause = ecb_->clause->index;
  header.probe = ecb_->probe->index;
  header.timestamp = context_->timestamp();
  std::memcpy(record, &header, sizeof header);
}

void Machine::finish_record() {
  const LoadedClause& clause = *ecb_->clause;
  if (exiting_) session_.exit(exit_status_);
  fill_header(record_, RecordKind::kClause, clause.record_size, clause.record_cost);
  if (record_fits_) return records_.publish();
  if (speculating_) {
    if (speculation_use_ == 0) return;
    const auto done = session_.speculations.append(speculation_, speculation_use_, record_, clause.record_size);
    if (done == Speculations::Append::kFull) session_.memory.count_drop(slot_, Drop::kSpeculation);
    return;
  }
  uint8_t* room = clause.buffered ? records_.reserve(clause.record_size, clause.record_cost, end_reserve()) : nullptr;
  if (room == nullptr) return lose_records(1);
  std::memcpy(room, record_, clause.record_size);
  records_.publish();
}

// Writes the argument's field; `*used` is how much of it may be other than zero.
bool Machine::store_arg(const LoadedArg& arg, Value value, uint8_t* base, uint32_t* used) {
  uint8_t* out = base + arg.offset;
  *used = arg.size;
  switch (arg.kind) {
    case ActionKind::kDifexpr: {
      if (!store_value(arg, value, out, used)) return false;
      std::memset(out + *used, 0, arg.size - *used);
      return true;
    }
    case ActionKind::kTracemem: {
      const Code& code = ecb_->program->codes[arg.code];
      Tag tag;
      return read(code.user ? Space::kUser : Space::kKernel, value, out, arg.size, &tag);
    }
    case ActionKind::kSym:
    case ActionKind::kMod:
    case ActionKind::kUsym:
    case ActionKind::kUmod:
    case ActionKind::kUaddr: {
      const bool kernel = arg.kind == ActionKind::kSym || arg.kind == ActionKind::kMod;
      const uint64_t words[2] = {owner(value.tag, kernel).word(), value.bits};
      std::memcpy(out, words, sizeof words);
      return true;
    }
    default:
      store_stack(arg.kind, out, arg.size);
      return true;
  }
}

// Whose address a value is: the guest's that its tag names, else the firing one's. Of another guest's boot nothing is
// known here, and so no name is given to it.
dif::AddressOwner Machine::owner(Tag tag, bool kernel) const {
  const Firing& firing = context_->firing;
  const TargetId target = is_guest_tag(tag) ? target_of(tag) : firing.target;
  const bool own = target == firing.target;
  return {target, own ? firing.boot : uint16_t{0}, kernel || !own ? 0 : firing.pid};
}

// Of a host's timer, where it was is all there is.
void Machine::store_stack(ActionKind kind, uint8_t* out, uint32_t size) const {
  std::memset(out, 0, size);
  const bool kernel = kind == ActionKind::kStack;
  if (size < 2 * sizeof(uint64_t)) return;
  const Firing& firing = context_->firing;
  const uint64_t pc = host_user_pc();
  std::span<const uint64_t> frames = kernel ? firing.kernel_stack : firing.user_stack;
  if (!kernel && pc != 0) frames = {&pc, 1};
  if (frames.empty()) return;
  const uint64_t whose = owner(kTagNone, kernel).word();
  std::memcpy(out, &whose, sizeof whose);
  std::memcpy(out + sizeof whose, frames.data(), std::min<size_t>(frames.size_bytes(), size - sizeof whose));
}

bool Machine::store_value(const LoadedArg& arg, Value value, uint8_t* out, uint32_t* used) {
  const Code& code = ecb_->program->codes[arg.code];
  Tag tag;
  switch (code.result) {
    case ResultKind::kNone:
      *used = 0;
      return true;
    case ResultKind::kRef:
      return read(Space::kKernel, value, out, arg.size, &tag);
    case ResultKind::kUserRef:
      return read(Space::kUser, value, out, arg.size, &tag);
    case ResultKind::kValue: {
      const uint64_t bits = narrow(value.bits, code.size, code.is_signed);
      *used = std::min<uint32_t>(arg.size, sizeof bits);
      std::memcpy(out, &bits, *used);
      return true;
    }
    case ResultKind::kString:
      break;
  }
  *used = 0;
  if (arg.size == 0 || (value.bits == 0 && value.tag == kTagAbsent)) return true;  // an unset string prints as ""
  std::string_view text;
  const Space space = code.user ? Space::kUser : Space::kKernel;
  if (!fetch_string(space, value, reinterpret_cast<char*>(out), arg.size - 1, &text)) return false;
  std::memmove(out, text.data(), text.size());
  *used = static_cast<uint32_t>(text.size());
  return true;
}

bool Machine::aggregate(const LoadedAction& action) {
  const LoadedAggregation& aggregation = action.aggregation;
  const Staging& staging = ecb_->program->staging[slot_];
  auto* bytes = reinterpret_cast<uint8_t*>(staging.key.get());
  uint32_t parts = 0;
  for (uint32_t i = 0; i < action.keys; ++i) {
    const LoadedArg& arg = action.args[i];
    Value value;
    if (!evaluate(arg, &value)) return false;
    if (!arg.has_field) continue;
    // Of a string only what is used is looked at, with a NUL to end it: no zeros are written or compared.
    uint32_t used = arg.size;
    if (arg.kind == ActionKind::kDifexpr) {
      if (!store_value(arg, value, bytes + arg.offset, &used)) return false;
      if (used < arg.size) bytes[arg.offset + used++] = 0;
    } else if (!store_arg(arg, value, bytes, &used)) {
      return false;
    }
    staging.parts[parts++] = {arg.offset, used};
  }
  int64_t operands[2] = {0, 1};
  for (uint32_t i = action.keys; i < action.args.size() && i < action.keys + 2; ++i) {
    Value value;
    if (!evaluate(action.args[i], &value)) return false;
    operands[i - action.keys] = static_cast<int64_t>(scalar(action.args[i], value));
  }
  BinKey key;
  key.aggregation = aggregation.id;
  key.variant = ecb_->program->variant;
  key.clause = ecb_->clause->index;
  key.action = static_cast<uint32_t>(&action - ecb_->clause->actions.data());
  key.key_size = aggregation.key_size;
  key.value_words = aggregation.value_words;
  key.initial = aggregation.initial;
  key.bytes = bytes;
  key.parts = {staging.parts.get(), parts};
  aggregations_.enter();
  uint64_t* words = aggregations_.find(key);
  if (words == nullptr) {
    session_.memory.count_cpu_drop(slot_, context_->firing.target, context_->firing.cpu, true, 1);
    return true;
  }
  update(aggregation, words, operands[0], static_cast<uint64_t>(operands[1]));
  return true;
}

// The faulting clause is abandoned with its record; the session's ERROR clauses run in the same context.
void Machine::handle_fault(uint32_t action) {
  const FaultState fault = fault_;
  if (in_error_) return session_.memory.count_drop(slot_, Drop::kErrorInError);
  const Ecb* const faulted = ecb_;
  const uint64_t* const args = args_;
  constexpr uint32_t kErrorProbe = 3;
  const EcbGroup* errors = context_->host == nullptr ? nullptr : context_->host->find(kErrorProbe, &session_);
  if (errors != nullptr) {
    in_error_ = true;
    error_args_ = {0,
                   faulted->probe->id,
                   uint64_t{faulted->clause->index} + 1,
                   static_cast<uint64_t>(int64_t{fault.offset}),
                   static_cast<uint64_t>(fault.code),
                   fault.address};
    args_ = error_args_.data();
    for (const Ecb& ecb : errors->ecbs) {
      const SessionState before = session_.state();
      run_clause(ecb);
      if (session_.state() != before) break;  // exit(): not even the next clause of ERROR
    }
    in_error_ = false;
  }
  ecb_ = faulted;
  args_ = args;
  write_fault(fault, action);
}

// What DTrace's own ERROR clause records: five words behind its header.
constexpr uint32_t kFaultCost = 56;

void Machine::write_fault(const FaultState& fault, uint32_t action) {
  constexpr uint32_t size = sizeof(RecordHeader) + sizeof(FaultData);
  uint8_t* record = records_.reserve(size, kFaultCost, end_reserve());
  if (record == nullptr) return lose_records(1);
  fill_header(record, RecordKind::kFault, size, kFaultCost);
  const FaultData data{fault.address, action, fault.offset, static_cast<uint32_t>(fault.code), 0};
  std::memcpy(record + sizeof(RecordHeader), &data, sizeof data);
  records_.publish();
}

}  // namespace ht::engine
