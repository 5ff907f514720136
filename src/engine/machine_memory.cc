// How a clause reaches memory: the guest's through guest::Memory, the engine's own objects through checked synthetic
// addresses. See value.h for what may be dereferenced.
#include <algorithm>
#include <mutex>

#include "engine/machine.h"

namespace ht::engine {

using dif::Fault;

namespace {

constexpr uint32_t kMaxAllocations = 4096;
constexpr uint64_t kGuestPage = 4096;

// Tags of the scratch words that [offset, offset + size) touches.
Tag combined_tags(const Tag* tags, uint64_t offset, uint64_t size) {
  Tag result = kTagNone;
  for (uint64_t word = offset / 8; word < (offset + size + 7) / 8; ++word) result = combine(result, tags[word]);
  return result;
}

void store_tags(Tag* tags, uint64_t offset, uint64_t size, Tag tag) {
  for (uint64_t word = offset / 8; word < (offset + size + 7) / 8; ++word) {
    const bool whole = word * 8 >= offset && word * 8 + 8 <= offset + size;
    tags[word] = whole ? tag : combine(tags[word], tag);
  }
}

}  // namespace

Machine::Machine(SessionCore& session, uint32_t slot) : session_(session), slot_(slot) {}

Result<std::unique_ptr<Machine>> Machine::create(SessionCore& session, uint32_t slot) {
  std::unique_ptr<Machine> machine(new Machine(session, slot));
  Machine& m = *machine;
  const uint32_t strsize = session.config.strsize;
  m.records_ = RecordWriter(session.memory, slot, session.config);
  ASSIGN_OR_RETURN(m.aggregations_, AggregationWriter::create(session.memory, slot, session.config.aggsize));
  m.scratch_size_ =
      std::max<uint32_t>(256u << 10, (strsize + 7) / 8 * 8 * 64) + (session.config.scratchsize + 7) / 8 * 8;
  ASSIGN_OR_RETURN(m.scratch_memory_, Mapping::anonymous(m.scratch_size_));
  ASSIGN_OR_RETURN(m.tag_memory_, Mapping::anonymous(m.scratch_size_ / 8 * sizeof(Tag)));
  const uint64_t largest = std::max(session.globals.largest(), std::max(strsize, kMaxByRef));
  ASSIGN_OR_RETURN(m.key_memory_, Mapping::anonymous(64 + dif::kTupleRegisters * (16 + largest)));
  m.handle_keys_ = std::make_unique<uint8_t[]>(kHandleKeys);
  m.scratch_ = m.scratch_memory_.data();
  m.tags_ = reinterpret_cast<Tag*>(m.tag_memory_.data());
  m.allocations_ = std::make_unique<Allocation[]>(kMaxAllocations);
  for (auto& text : m.text_) text = std::make_unique<char[]>(strsize);
  m.strtok_ = std::make_unique<char[]>(strsize);
  m.by_ref_ = std::make_unique<uint8_t[]>(largest);
  m.make_locals();
  m.random_ = system_clock().monotonic_ns() * 0x9e3779b97f4a7c15 + slot + 1;
  return machine;
}

void Machine::make_locals() {
  const std::vector<VariableShape>& shapes = session_.globals.locals();
  locals_.resize(shapes.size());
  for (size_t i = 0; i < shapes.size(); ++i) {
    Local& local = locals_[i];
    if (!shapes[i].by_ref || shapes[i].size <= local.size) continue;
    local.size = shapes[i].size;
    local.string = shapes[i].string;
    local.bytes = std::make_unique<uint8_t[]>(local.size);
  }
}

void Machine::reset_scratch() {
  first_allocation_ += allocation_count_;
  allocation_count_ = 0;
  scratch_used_ = 0;
  allotted_ = 0;
  handle_count_ = 0;
  handle_keys_used_ = 0;
}

// Null and a fault when there is no room; the memory is not cleared.
uint8_t* Machine::allocate(uint64_t size, uint32_t logical, Value* address) {
  const uint64_t rounded = (size + 7) / 8 * 8;
  if (size > scratch_size_ || rounded > scratch_size_ - scratch_used_ || allocation_count_ == kMaxAllocations) {
    fail(Fault::kNoscratch);
    return nullptr;
  }
  const uint32_t offset = scratch_used_;
  allocations_[allocation_count_] = {offset, static_cast<uint32_t>(size),
                                     std::max(logical, static_cast<uint32_t>(size)), true};
  *address = engine_address(Region::kScratch, first_allocation_ + allocation_count_);
  ++allocation_count_;
  scratch_used_ += static_cast<uint32_t>(rounded);
  std::memset(tags_ + offset / 8, 0, rounded / 8 * sizeof(Tag));
  return scratch_ + offset;
}

// Zeroed.
uint8_t* Machine::allocate_scratch(uint64_t size, Value* address) {
  const uint32_t most = (session_.config.scratchsize + 7) / 8 * 8;
  if (size > most || (size + 7) / 8 * 8 > most - allotted_) {
    fail(Fault::kNoscratch);
    return nullptr;
  }
  uint8_t* memory = allocate(size, 0, address);
  if (memory == nullptr) return nullptr;
  allotted_ += static_cast<uint32_t>((size + 7) / 8 * 8);
  std::memset(memory, 0, size);
  return memory;
}

char* Machine::string_room() {
  if (strsize() > scratch_size_ - scratch_used_ || allocation_count_ == kMaxAllocations) {
    fail(Fault::kNoscratch);
    return nullptr;
  }
  return reinterpret_cast<char*>(scratch_ + scratch_used_);
}

Value Machine::finish_string(size_t characters) {
  scratch_[scratch_used_ + characters] = 0;
  Value address;
  // Within the room, so it cannot fail.
  if (allocate(characters + 1, strsize(), &address) != nullptr) allocations_[allocation_count_ - 1].storable = false;
  return address;
}

bool Machine::object(Value address, Object* out) {
  if (!in_object(address.bits, address.tag)) return false;
  const uint32_t number = object_of(address.tag);
  switch (region_of(address.tag)) {
    case Region::kScratch: {
      const uint32_t index = (number - first_allocation_) & kObjectMask;
      if (index >= allocation_count_) return false;
      const Allocation& allocation = allocations_[index];
      *out = {scratch_ + allocation.offset,  allocation.size, allocation.logical, allocation.storable,
              tags_ + allocation.offset / 8, nullptr};
      return true;
    }
    case Region::kStrings: {
      if (number >= ecb_->program->codes.size()) return false;
      const std::string& strings = ecb_->program->codes[number].strings;
      // Never written: not storable.
      out->data = reinterpret_cast<uint8_t*>(const_cast<char*>(strings.data()));
      out->size = out->logical = static_cast<uint32_t>(strings.size());
      return true;
    }
    case Region::kLocal: {
      if (number >= locals_.size() || locals_[number].bytes == nullptr) return false;
      Local& local = locals_[number];
      *out = {local.bytes.get(), local.size, local.size, !local.string, nullptr, &local.tag};
      return true;
    }
    case Region::kBuiltin: {
      std::string_view text;
      switch (static_cast<BuiltinString>(number)) {
        case BuiltinString::kExecname:
          text = {context_->firing.comm.data(), context_->firing.comm.size()};
          break;
        case BuiltinString::kProbeprov:
          text = ecb_->probe->provider;
          break;
        case BuiltinString::kProbemod:
          text = ecb_->probe->module;
          break;
        case BuiltinString::kProbefunc:
          text = ecb_->probe->function;
          break;
        case BuiltinString::kProbename:
          text = ecb_->probe->name;
          break;
        case BuiltinString::kVmname:
          text = context_->table.name();
          break;
      }
      out->data = reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
      out->size = static_cast<uint32_t>(text.size());
      out->logical = std::max(out->size, strsize());
      return true;
    }
    default:
      return false;
  }
}

bool Machine::read_engine(Value address, void* out, size_t size, Tag* tag) {
  const auto offset = static_cast<uint32_t>(address.bits);
  if (in_object(address.bits, address.tag) && region_of(address.tag) == Region::kGlobal) {
    ByRefCell* cell = session_.globals.by_ref(object_of(address.tag));
    if (cell == nullptr || offset > cell->size || size > cell->size - offset)
      return fail(Fault::kBadaddr, address.bits);
    const std::lock_guard guard(cell->lock);
    *tag = cell->tag;
    std::memcpy(out, cell->bytes.get() + offset, size);
    return true;
  }
  if (in_object(address.bits, address.tag) && region_of(address.tag) == Region::kDynamic) {
    const uint32_t handle = object_of(address.tag);
    if (handle >= handle_count_ ||
        !session_.dynamics.read(handles_[handle], offset, out, static_cast<uint32_t>(size), tag)) {
      return fail(Fault::kBadaddr, address.bits);
    }
    return true;
  }
  Object target;
  if (!object(address, &target) || offset > target.logical || size > target.logical - offset) {
    return fail(Fault::kBadaddr, address.bits);
  }
  const size_t there = offset < target.size ? std::min<size_t>(size, target.size - offset) : 0;
  if (there != 0) std::memcpy(out, target.data + offset, there);
  std::memset(static_cast<uint8_t*>(out) + there, 0, size - there);
  *tag = kTagNone;
  if (target.tags != nullptr) *tag = combined_tags(target.tags, offset, there);
  if (target.one_tag != nullptr) *tag = *target.one_tag;
  return true;
}

bool Machine::read_guest(Space space, Value address, void* out, size_t size) {
  if (size == 0) return true;
  const uint64_t last = address.bits + size - 1;
  const bool own = address.tag == kTagNone || address.tag == target_tag();
  const bool inside = space == Space::kKernel ? is_kernel_address(address.bits) && is_kernel_address(last)
                                              : is_user_address(address.bits) && is_user_address(last);
  guest::Memory* memory = own && inside && last >= address.bits ? context_->memory() : nullptr;
  if (memory == nullptr) return fail(Fault::kBadaddr, address.bits);
  uint64_t fault = address.bits;
  const bool done = space == Space::kKernel ? memory->read_kernel(address.bits, out, size, &fault)
                                            : memory->read_user(context_->firing.pgd, address.bits, out, size, &fault);
  return done || fail(Fault::kBadaddr, fault);
}

bool Machine::read(Space space, Value address, void* out, size_t size, Tag* tag) {
  if (space == Space::kKernel && is_engine_tag(address.tag)) return read_engine(address, out, size, tag);
  *tag = target_tag();
  return read_guest(space, address, out, size);
}

bool Machine::write(Value address, const void* data, size_t size, Tag tag) {
  const auto offset = static_cast<uint32_t>(address.bits);
  if (!is_engine_tag(address.tag) || !in_object(address.bits, address.tag)) return fail(Fault::kBadaddr, address.bits);
  if (region_of(address.tag) == Region::kGlobal) {
    ByRefCell* cell = session_.globals.by_ref(object_of(address.tag));
    if (cell == nullptr || offset > cell->size || size > cell->size - offset)
      return fail(Fault::kBadaddr, address.bits);
    const std::lock_guard guard(cell->lock);
    cell->tag = combine(cell->tag, tag);
    std::memcpy(cell->bytes.get() + offset, data, size);
    return true;
  }
  if (region_of(address.tag) == Region::kDynamic) {
    const uint32_t handle = object_of(address.tag);
    if (handle >= handle_count_) return fail(Fault::kBadaddr, address.bits);
    switch (session_.dynamics.write(handles_[handle], offset, data, static_cast<uint32_t>(size), tag)) {
      case DynamicStore::Written::kDone:
        return true;
      case DynamicStore::Written::kFull:
        session_.memory.count_drop(slot_, Drop::kDynamic);
        return true;
      case DynamicStore::Written::kGone:
        break;
    }
    return fail(Fault::kBadaddr, address.bits);
  }
  Object target;
  if (!object(address, &target) || !target.storable || offset > target.size || size > target.size - offset) {
    return fail(Fault::kBadaddr, address.bits);
  }
  if (size == 0) return true;
  std::memcpy(target.data + offset, data, size);
  if (target.tags != nullptr) store_tags(target.tags, offset, size, tag);
  if (target.one_tag != nullptr) *target.one_tag = combine(*target.one_tag, tag);
  return true;
}

bool Machine::misaligned(Value address, size_t size) const {
  return is_engine_tag(address.tag) && address.bits % size != 0 && in_object(address.bits, address.tag) &&
         region_of(address.tag) != Region::kStrings && region_of(address.tag) != Region::kBuiltin;
}

// Whether all of it may be stored to; finds out before anything is.
bool Machine::storable(Value address, uint64_t size) {
  const auto offset = static_cast<uint32_t>(address.bits);
  Object target;
  if (is_engine_tag(address.tag) && in_object(address.bits, address.tag)) {
    // Variables that others use too: write() looks at them.
    if (region_of(address.tag) == Region::kGlobal || region_of(address.tag) == Region::kDynamic) return true;
    if (object(address, &target) && target.storable && offset <= target.size && size <= target.size - offset) {
      return true;
    }
  }
  return fail(Fault::kBadaddr, address.bits);
}

// Engine memory is copied word by word so that its words keep their tags.
bool Machine::copy(Space space, Value from, Value to, uint64_t size) {
  if (size > scratch_size_) return fail(Fault::kBadsize, size);
  uint8_t buffer[512];
  const uint64_t most = space == Space::kKernel && is_engine_tag(from.tag) ? 8 : sizeof buffer;
  for (uint64_t done = 0; done < size;) {
    const uint64_t step = std::min(size - done, most);
    Tag tag = kTagNone;
    if (!read(space, {from.bits + done, from.tag}, buffer, step, &tag)) return false;
    if (!write({to.bits + done, to.tag}, buffer, step, tag)) return false;
    done += step;
  }
  return true;
}

bool Machine::fetch_guest_string(Space space, Value address, char* buffer, uint32_t limit, std::string_view* text) {
  // A chunk never crosses a page: what follows the string may not be mapped.
  uint64_t chunk = 64;
  for (uint64_t done = 0; done < limit;) {
    const uint64_t at = address.bits + done;
    const uint64_t step = std::min({limit - done, kGuestPage - at % kGuestPage, chunk});
    if (!read_guest(space, {at, address.tag}, buffer + done, step)) return false;
    if (const void* end = std::memchr(buffer + done, 0, step); end != nullptr) {
      *text = {buffer, static_cast<size_t>(static_cast<const char*>(end) - buffer)};
      return true;
    }
    done += step;
    chunk = 256;
  }
  *text = {buffer, limit};
  return true;
}

bool Machine::fetch_string(Space space, Value address, char* buffer, uint32_t limit, std::string_view* text) {
  if (space == Space::kUser || !is_engine_tag(address.tag)) {
    return fetch_guest_string(space, address, buffer, limit, text);
  }
  const auto offset = static_cast<uint32_t>(address.bits);
  Object source;
  if (object(address, &source)) {
    if (offset > source.logical) return fail(Fault::kBadaddr, address.bits);
    if (offset >= source.size) {
      *text = "";
      return true;
    }
    const auto* start = reinterpret_cast<const char*>(source.data) + offset;
    *text = {start, strnlen(start, std::min(limit, source.size - offset))};
    return true;
  }
  // Inside a variable that others may write: take a copy, as much of it as there is.
  for (uint32_t size = 0; size < limit; ++size) {
    Tag tag;
    if (!read_engine({address.bits + size, address.tag}, buffer + size, 1, &tag)) {
      if (size == 0) return false;
      fault_ = {};
      *text = {buffer, size};
      return true;
    }
    if (buffer[size] == 0) {
      *text = {buffer, size};
      return true;
    }
  }
  *text = {buffer, limit};
  return true;
}

}  // namespace ht::engine
