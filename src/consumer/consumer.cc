#include "consumer/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "consumer/json_sink.h"
#include "consumer/print.h"
#include "consumer/printf.h"
#include "consumer/text_sink.h"

#include "base/clock.h"

namespace ht::consumer {

using dif::ActionKind;
using engine::RecordView;

// What there is to know about a clause before its first record.
struct Consumer::ClauseInfo {
  dif::RecordLayout layout;
  std::vector<std::optional<dif::FormatString>> formats;  // per action
  std::vector<std::vector<const dif::Field*>> fields;     // per action
  std::vector<KeyLayout> keys;                            // per action; aggregating ones only
  bool silent = false;                                    // only commit and discard: no line of output
};

struct Consumer::Variant {
  std::shared_ptr<const dif::Program> program;
  std::vector<ClauseInfo> clauses;
};

struct Consumer::Current {
  engine::SessionReader& reader;
  const RecordView& view;
  const engine::ProbeName& probe;
  const dif::Clause& clause;
  const ClauseInfo& info;
  const dif::Program& program;

  std::vector<Datum> values(uint32_t index) const {
    std::vector<Datum> values;
    for (const dif::Field* field : info.fields[index]) values.push_back(Datum::of(*field, view.data));
    return values;
  }
  bool present(uint32_t index) const {
    return !info.layout.has_presence || (index < view.data.size() && view.data[index] != 0);
  }
};

namespace {

bool is_speculative(ActionKind kind) {
  return kind == ActionKind::kSpeculate || kind == ActionKind::kCommit || kind == ActionKind::kDiscard;
}

// What a layout's fields alone do not show: actions that record without an argument (printf("text"), printa, clear).
bool speaks(const dif::Action& action) {
  switch (action.kind) {
    case ActionKind::kPrintf:
    case ActionKind::kPrinta:
    case ActionKind::kLibact:
    case ActionKind::kSystem:
    case ActionKind::kFreopen:
      return true;
    default:
      return false;
  }
}

bool has_format(const dif::Action& action) {
  return action.has_format || action.kind == ActionKind::kPrintf || action.kind == ActionKind::kSystem ||
         action.kind == ActionKind::kFreopen;
}

}  // namespace

Consumer::Consumer(Options options, Stream& stream, Message message) : options_(std::move(options)), stream_(stream) {
  symbols_.set_noresolve(options_.noresolve);
  if (options_.json) {
    sink_ = std::make_unique<JsonSink>(stream_, symbols_);
  } else {
    sink_ = std::make_unique<TextSink>(stream_, options_, symbols_, std::move(message));
  }
}

Consumer::~Consumer() = default;

void Consumer::add_variant(std::shared_ptr<const dif::Program> program) {
  auto variant = std::make_unique<Variant>();
  for (const dif::Clause& clause : program->clauses) {
    ClauseInfo info;
    info.layout = dif::record_layout(clause, options_.strsize);
    const size_t count = clause.actions.size();
    info.formats.resize(count);
    info.fields.resize(count);
    info.keys.resize(count);
    info.silent = count > 0;
    for (size_t i = 0; i < count; ++i) {
      const dif::Action& action = clause.actions[i];
      if (has_format(action)) {
        if (auto format = dif::parse_format(action.format)) info.formats[i] = std::move(*format);
      }
      const dif::AggregationDef* def =
          dif::is_aggregation(action.kind) && !action.aggs.empty() ? program->aggregation(action.aggs[0]) : nullptr;
      if (def != nullptr) {
        info.keys[i] =
            std::make_shared<dif::AggregationLayout>(dif::aggregation_layout(action, *def, options_.strsize));
      }
      if (speaks(action)) info.silent = false;
    }
    variant->clauses.push_back(std::move(info));
  }
  // Pointers into the layouts only now that the clauses stay where they are.
  for (size_t c = 0; c < variant->clauses.size(); ++c) {
    ClauseInfo& info = variant->clauses[c];
    const std::vector<dif::Action>& actions = program->clauses[c].actions;
    for (const dif::Field& field : info.layout.fields) {
      if (field.action >= info.fields.size()) continue;
      info.fields[field.action].push_back(&field);
      const ActionKind kind = actions[field.action].kind;
      if (kind == ActionKind::kSpeculate || !is_speculative(kind)) info.silent = false;
    }
  }
  variant->program = std::move(program);
  variants_.push_back(std::move(variant));
}

void Consumer::add_probe(engine::ProbeName name) {
  probes_.push_back(std::move(name));
}

std::string Consumer::target_name(engine::TargetId target) const {
  if (target == engine::kHost) return {};
  const auto found = targets_.find(target);
  return found != targets_.end() ? found->second : fmt::format("guest {}", target);
}

void Consumer::process(engine::SessionReader& reader) {
  snapshot_taken_ = false;
  using Order = engine::SessionReader::Order;
  reader.drain([&](const RecordView& view) { record(reader, view); }, options_.temporal ? Order::kTime : Order::kByCpu);
}

void Consumer::snapshot(engine::SessionReader& reader) {
  last_snapshot_ = system_clock().monotonic_ns();
  reader.snapshot([&](const engine::BinView& view) { bin(view); });
}

void Consumer::report_drops(engine::SessionReader& reader) {
  const engine::Drops now = reader.drops();
  const auto name = [this](engine::TargetId target) { return target_name(target); };
  for (const Drop& drop : drops_since(drops_, now, name)) sink_->drop(drop);
  drops_ = now;
}

void Consumer::print_remaining() {
  sink_->remaining(store_.unprinted_rows(options_));
}

bool Consumer::known(uint32_t variant, uint32_t probe) {
  for (;;) {
    if (variant < variants_.size() && probe < probes_.size()) return true;
    if (!refresh_ || !refresh_()) return false;
  }
}

void Consumer::bin(const engine::BinView& view) {
  if (!known(view.variant, 0)) return;
  const Variant& variant = *variants_[view.variant];
  if (view.clause >= variant.clauses.size() || view.action >= variant.clauses[view.clause].keys.size()) return;
  const KeyLayout& layout = variant.clauses[view.clause].keys[view.action];
  const dif::AggregationDef* def = variant.program->aggregation(view.aggregation);
  if (layout == nullptr || def == nullptr || view.keys.size() < layout->key_size) return;
  const auto symbol = [](const dif::Field& field) {
    const Datum datum{&field, {}};
    return datum.is_symbol() || datum.is_stack();
  };
  if (std::none_of(layout->keys.begin(), layout->keys.end(), symbol)) {
    return store_.merge(*def, layout, view.keys, {view.values, view.value_words}, view.slot);
  }
  // All addresses of a function are one key, as are all of a module, and stacks of guests that read the same.
  std::vector<uint8_t> keys(view.keys.begin(), view.keys.end());
  for (const dif::Field& field : layout->keys) symbols_.reduce(field, keys);
  store_.merge(*def, layout, keys, {view.values, view.value_words}, view.slot);
}

void Consumer::record(engine::SessionReader& reader, const RecordView& view) {
  if (!known(view.variant, view.probe)) return;
  const engine::ProbeName& probe = probes_[view.probe];
  if (view.kind == RecordView::Kind::kFault) {
    return sink_->fault({view, probe, target_name(view.target)});
  }
  clause_record(reader, view, probe);
}

void Consumer::clause_record(engine::SessionReader& reader, const RecordView& view, const engine::ProbeName& probe) {
  const Variant& variant = *variants_[view.variant];
  if (view.clause >= variant.clauses.size()) return;
  const ClauseInfo& info = variant.clauses[view.clause];
  if (view.data.size() < info.layout.size) return;
  Current current{reader, view, probe, variant.program->clauses[view.clause], info, *variant.program};
  const auto count = static_cast<uint32_t>(current.clause.actions.size());

  // Of a clause with if and else, only the branches that ran exist; a firing that recorded in none of them is silent.
  bool any = count == 0 || !info.layout.has_presence;
  for (uint32_t i = 0; i < count && !any; ++i) {
    any = current.present(i) && (!info.fields[i].empty() || speaks(current.clause.actions[i]));
  }
  if (info.silent || !any) return;
  sink_->begin({view, probe, target_name(view.target)});
  symbols_.set_firing(view.target);
  for (uint32_t i = 0; i < count; ++i) {
    if (current.present(i)) action(current, i);
  }
  sink_->end();
}

void Consumer::action(Current& current, uint32_t index) {
  const dif::Action& action = current.clause.actions[index];
  const std::optional<dif::FormatString>& format = current.info.formats[index];
  const auto formatted = [&] {
    return format ? format_printf(*format, current.values(index), &symbols_) : std::string();
  };
  switch (action.kind) {
    case ActionKind::kPrintf:
      return sink_->formatted(formatted());
    case ActionKind::kPrinta:
      return printa(current, index);
    case ActionKind::kLibact:
      return library_action(current, index);
    case ActionKind::kTracemem:
      return trace_memory(current, index);
    case ActionKind::kSystem:
      return run_system(current, formatted());
    case ActionKind::kFreopen:
      if (auto result = stream_.reopen(formatted()); !result) error(current, result.error().message);
      return;
    case ActionKind::kPrint:
      if (const std::vector<Datum> values = current.values(index); !values.empty()) {
        sink_->print(values.back(), print_tree(current.program, action, values));
      }
      return;
    case ActionKind::kExit:
    case ActionKind::kSpeculate:
    case ActionKind::kCommit:
    case ActionKind::kDiscard:
      return;
    default:
      // trace, stack, sym ...: an action that records nothing has no fields.
      for (const Datum& value : current.values(index)) sink_->trace(value);
  }
}

void Consumer::need_snapshot(Current& current) {
  // Everything that was aggregated before any record of this batch is in it; what comes later may be.
  if (snapshot_taken_) return;
  snapshot_taken_ = true;
  // A slower aggrate shows what was gathered by its time; in the end everything counts.
  const bool over = current.reader.state() == engine::SessionState::kStopped;
  if (!over && last_snapshot_ != 0 && system_clock().monotonic_ns() - last_snapshot_ < options_.aggrate) return;
  snapshot(current.reader);
}

void Consumer::printa(Current& current, uint32_t index) {
  need_snapshot(current);
  const dif::Action& action = current.clause.actions[index];
  const std::optional<dif::FormatString>& format = current.info.formats[index];
  sink_->aggregations(store_.rows(action.aggs, options_), action.has_format && format ? &*format : nullptr);
  for (uint32_t id : action.aggs) store_.mark_printed(id);
}

void Consumer::library_action(Current& current, uint32_t index) {
  const dif::Action& action = current.clause.actions[index];
  const std::vector<Datum> values = current.values(index);
  if (action.libact == dif::Libact::kSetopt) return set_option(current, index);
  if (action.libact == dif::Libact::kFtruncate) return stream_.truncate();
  need_snapshot(current);
  if (action.aggs.empty()) return;
  const uint32_t id = action.aggs[0];
  const int64_t number = values.empty() ? 0 : values[0].extended();
  switch (action.libact) {
    case dif::Libact::kClear:
      return store_.clear(id);
    case dif::Libact::kTrunc:
      return store_.truncate(id, number);
    case dif::Libact::kNormalize:
      if (number == 0) return error(current, "Invalid normalization");
      return store_.normalize(id, number);
    case dif::Libact::kDenormalize:
      return store_.normalize(id, 1);
    default:
      return;
  }
}

void Consumer::set_option(Current& current, uint32_t index) {
  const std::vector<Datum> values = current.values(index);
  if (values.empty()) return;
  const std::string name = values[0].text();
  const std::string value = values.size() > 1 ? values[1].text() : "1";
  // A toggle without a value is set; an option that is a number has no such form.
  if (auto result = options_.set(name, value); !result) {
    error(current, fmt::format("couldn't set option \"{}\" to \"{}\": {}", name, value, result.error().message));
  }
}

void Consumer::run_system(Current& current, const std::string& command) {
  if (current.view.target != engine::kHost) {
    // Destructive actions act on the guest that fired and never on the host; no guest is asked to run commands.
    return error(current, "system() is not run for a guest's probe");
  }
  (void)stream_.flush();
  const std::string cut = command.substr(0, std::max(1u, options_.strsize) - 1);  // with its NUL it must fit strsize
  if (std::system(cut.c_str()) == -1) error(current, errno_error("couldn't run \"" + cut + "\"").message);
}

void Consumer::trace_memory(Current& current, uint32_t index) {
  const std::vector<Datum> values = current.values(index);
  if (values.empty()) return;
  ByteView bytes = values[0].bytes;
  if (values.size() > 1) {
    const int64_t wanted = values[1].extended();
    if (wanted >= 0 && static_cast<uint64_t>(wanted) < bytes.size()) bytes = bytes.first(static_cast<size_t>(wanted));
  }
  sink_->memory(bytes);
}

void Consumer::error(const Current& current, const std::string& text) {
  sink_->failed({current.view, current.probe, target_name(current.view.target)}, text);
}

}  // namespace ht::consumer
