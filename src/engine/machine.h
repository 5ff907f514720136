// The DIF machine of one slot in one session: runs clauses, fills records, updates aggregations.
//
// Everything here is preallocated and used by the slot's thread alone. Semantics decided here, where DTrace leaves
// room: shift counts are taken modulo 64 (as x86 does); INT64_MIN / -1 is INT64_MIN and its remainder 0; comparisons
// are exact; a guest's memory is read at any alignment, as its processor would, but scratch memory and variables only
// at that of the access; strings hold at most strsize - 1 characters; epid is the probe's id in the high half and the
// clause's index + 1 in the low one; ERROR's clauses share the clause-locals of the firing that faulted.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "engine/aggregation_writer.h"
#include "engine/dispatch.h"
#include "engine/record_writer.h"
#include "engine/session_core.h"

namespace ht::engine {

enum class BuiltinString : uint32_t { kExecname, kProbeprov, kProbemod, kProbefunc, kProbename, kVmname };

class Machine {
 public:
  static Result<std::unique_ptr<Machine>> create(SessionCore& session, uint32_t slot);
  // Storage for the session's clause-locals; again when they have grown, before anything runs.
  void make_locals();

  // Runs what `group` enables, as long as the session is in state `allowed` (END: to the end).
  void fire(FiringContext& context, const EcbGroup& group, SessionState allowed);

 private:
  struct FaultState {
    dif::Fault code = dif::Fault::kNone;
    uint64_t address = 0;
    int32_t offset = -1;
  };
  struct Allocation {
    uint32_t offset;
    uint32_t size;
    uint32_t logical;  // reads beyond size and within this yield zeros
    bool storable;     // not a string: those are values
  };
  struct Local {
    uint64_t firing = 0;  // the firing that stored it; older ones read as unset
    Value value;
    Tag tag = kTagNone;  // of what the bytes hold
    uint32_t size = 0;
    bool string = false;
    bool present = false;
    std::unique_ptr<uint8_t[]> bytes;
  };
  struct TupleEntry {
    Value value;
    uint64_t size = 0;
    bool by_ref = false;
    bool string = false;
  };
  // Memory of an engine object that needs no lock.
  struct Object {
    uint8_t* data = nullptr;
    uint32_t size = 0;
    uint32_t logical = 0;
    bool storable = false;
    Tag* tags = nullptr;     // scratch: one per 8 bytes
    Tag* one_tag = nullptr;  // locals: one for all
  };
  enum class Space { kKernel, kUser };

  Machine(SessionCore& session, uint32_t slot);

  // clause.cc
  void run_clause(const Ecb& ecb);
  bool run_actions();
  bool run_action(const LoadedAction& action);
  bool run_speculative(const LoadedAction& action);
  bool evaluate(const LoadedArg& arg, Value* value);
  uint64_t scalar(const LoadedArg& arg, Value value) const;
  void begin_record();
  void finish_record();
  uint64_t end_reserve() const;
  void lose_records(uint64_t count);
  void fill_header(uint8_t* record, RecordKind kind, uint32_t size, uint32_t cost);
  bool store_arg(const LoadedArg& arg, Value value, uint8_t* base, uint32_t* used);
  bool store_value(const LoadedArg& arg, Value value, uint8_t* out, uint32_t* used);
  bool aggregate(const LoadedAction& action);
  void handle_fault(uint32_t action);
  void write_fault(const FaultState& fault, uint32_t action);

  // destructive.cc
  bool run_destructive(const LoadedAction& action);
  bool chill(int32_t nanoseconds);

  // interpreter.cc
  bool run(const Code& code, Value* result);
  bool push(TupleEntry entry);
  void compare_strings(Value a, Value b, int* order, bool* ok);

  // builtins.cc
  bool load_builtin(uint32_t variable, Value* result);
  bool load_array(uint32_t variable, uint64_t index, Value* result);
  bool load_symbol(uint64_t index, Value* result);
  Value argument(uint64_t index) const;
  uint64_t host_user_pc() const;
  Value stack_builtin(uint32_t variable) const;
  dif::AddressOwner owner(Tag tag, bool kernel) const;
  void store_stack(dif::ActionKind kind, uint8_t* out, uint32_t size) const;

  // variable_access.cc
  bool load_variable(const VariableShape& shape, Value* result);
  bool store_variable(const VariableShape& shape, Value value);
  bool load_global_by_ref(const VariableShape& shape, Value* result);
  bool load_local(const VariableShape& shape, Value* result);
  bool load_dynamic(const VariableShape& shape, Value* result);
  bool open_dynamic(const DynamicKey& key, const VariableShape& shape, Value* result);
  bool store_global_by_ref(const VariableShape& shape, Value value);
  bool store_local(const VariableShape& shape, Value value);
  bool store_dynamic(const VariableShape& shape, Value value);
  bool fetch_by_ref(const VariableShape& shape, Value value, const uint8_t** data, uint32_t* size, Tag* tag);
  bool build_key(const VariableShape& shape, DynamicKey* key);

  // machine_memory.cc
  bool fail(dif::Fault code, uint64_t address = 0) {
    fault_.code = code;
    fault_.address = address;
    return false;
  }
  bool read(Space space, Value address, void* out, size_t size, Tag* tag);
  bool read_guest(Space space, Value address, void* out, size_t size);
  bool read_engine(Value address, void* out, size_t size, Tag* tag);
  bool write(Value address, const void* data, size_t size, Tag tag);
  bool copy(Space space, Value from, Value to, uint64_t size);
  bool storable(Value address, uint64_t size);        // or BADADDR
  bool misaligned(Value address, size_t size) const;  // in the engine's own memory
  bool object(Value address, Object* out);
  // A string of at most `limit` characters; the view is into `buffer` (of at least that size) or the engine's objects.
  bool fetch_string(Space space, Value address, char* buffer, uint32_t limit, std::string_view* text);
  bool fetch_guest_string(Space space, Value address, char* buffer, uint32_t limit, std::string_view* text);
  uint8_t* allocate(uint64_t size, uint32_t logical, Value* address);
  uint8_t* allocate_scratch(uint64_t size, Value* address);  // of what the option scratchsize allows
  char* string_room();                     // strsize bytes at the end of the scratch memory, not yet taken
  Value finish_string(size_t characters);  // takes them
  void reset_scratch();

  // subroutines*.cc
  bool call(uint32_t subroutine, Value* result);
  bool call_memory(dif::Subr subroutine, Value* result);
  bool call_string(dif::Subr subroutine, Value* result);
  bool call_net(dif::Subr subroutine, Value* result);
  bool call_kernel(dif::Subr subroutine, Value* result);
  bool is_ancestor(uint32_t pid) const;
  Value arg(unsigned index) const { return index < tuple_size_ ? tuple_[index].value : Value{}; }
  bool text_arg(unsigned index, std::string_view* text);
  bool string_result(std::string_view text, Value* result);
  bool find_result(std::string_view text, size_t position, Value* result);
  bool strtok(Value* result);
  bool search(bool from_end, Value* result);
  bool substr(Value* result);
  bool json(Value* result);
  bool memstr(Value* result);
  bool copyinstr(Value* result);
  bool lltostr(Value* result);
  bool strtoll(Value* result);

  uint32_t strsize() const { return session_.config.strsize; }
  Tag target_tag() const { return guest_tag(context_->firing.target); }

  SessionCore& session_;
  const uint32_t slot_;
  RecordWriter records_;
  AggregationWriter aggregations_;

  // The firing and the clause that run.
  FiringContext* context_ = nullptr;
  const TargetSymbols* symbols_ = nullptr;  // of the target that fired
  const Ecb* ecb_ = nullptr;
  const uint64_t* args_ = nullptr;
  bool in_error_ = false;
  std::array<uint64_t, 10> error_args_{};
  uint64_t firing_ = 0;
  FaultState fault_;

  // The clause's record.
  uint8_t* record_ = nullptr;
  bool record_fits_ = false;
  bool exiting_ = false;
  int32_t exit_status_ = 0;
  bool speculating_ = false;
  uint32_t speculation_ = 0;
  uint64_t speculation_use_ = 0;

  // Memory of the clause.
  Mapping scratch_memory_, tag_memory_;
  uint8_t* scratch_ = nullptr;
  Tag* tags_ = nullptr;
  uint32_t scratch_size_ = 0;
  uint32_t scratch_used_ = 0;
  uint32_t allotted_ = 0;          // of scratchsize
  uint32_t first_allocation_ = 0;  // running number of allocations_[0]
  uint32_t allocation_count_ = 0;
  std::unique_ptr<Allocation[]> allocations_;
  std::array<DynamicStore::Handle, 256> handles_;
  uint32_t handle_count_ = 0;
  static constexpr uint32_t kHandleKeys = 16384;
  std::unique_ptr<uint8_t[]> handle_keys_;  // of elements that are not there yet
  uint32_t handle_keys_used_ = 0;
  std::array<TupleEntry, dif::kTupleRegisters> tuple_;
  unsigned tuple_size_ = 0;

  std::vector<Local> locals_;
  std::unique_ptr<char[]> text_[2];    // strings fetched from the guest
  std::unique_ptr<uint8_t[]> by_ref_;  // a value on its way into a variable
  Mapping key_memory_;
  std::unique_ptr<char[]> strtok_;
  uint32_t strtok_size_ = 0, strtok_at_ = 0;
  uint64_t strtok_firing_ = 0;
  uint64_t random_ = 0;
  uint64_t chill_mark_ = 0, chilled_ = 0;  // when the interval began, how much of it was chilled away
};

}  // namespace ht::engine
