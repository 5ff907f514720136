// Builtin variables of the firing.
#include "engine/engine.h"
#include "engine/machine.h"

namespace ht::engine {

using dif::Fault;

namespace {

constexpr uint64_t kUserRegisters = 26;  // R_R15 ... R_TRAPNO

Value builtin_string(BuiltinString which) {
  return engine_address(Region::kBuiltin, static_cast<uint32_t>(which));
}

}  // namespace

// The guest's arguments are the guest's addresses; of ERROR's only the fault's address is.
Value Machine::argument(uint64_t index) const {
  const bool guest = !in_error_ || index == 5;
  return {args_[index], guest ? guest_tag(context_->firing.target) : kTagNone};
}

// Of a host's timer, whose arg1 it is; 0 if unknown.
uint64_t Machine::host_user_pc() const {
  return context_->firing.target == kHost ? context_->firing.args[1] : 0;
}

Value Machine::stack_builtin(uint32_t variable) const {
  const Firing& firing = context_->firing;
  switch (variable) {
    case dif::kVarCaller:
      return {firing.kernel_stack.empty() ? 0 : firing.kernel_stack[0], target_tag()};
    case dif::kVarUcaller:
      return {firing.user_stack.size() > 1 ? firing.user_stack[1] : 0, target_tag()};
    case dif::kVarStackdepth:
      return {firing.kernel_stack.size()};
    default:
      return {host_user_pc() != 0 ? 1u : firing.user_stack.size()};
  }
}

// The address of a kernel symbol, for this CPU if each has its own.
bool Machine::load_symbol(uint64_t index, Value* result) {
  if (symbols_ == nullptr || index >= symbols_->symbols.size()) return fail(Fault::kBadindex, index);
  const TargetSymbols::Symbol& symbol = symbols_->symbols[index];
  uint64_t address = symbol.address;
  if (symbol.per_cpu) {
    const uint32_t cpu = context_->firing.cpu;
    if (cpu >= symbols_->cpu_offsets.size()) return fail(Fault::kBadindex, cpu);
    address += symbols_->cpu_offsets[cpu];
  }
  *result = {address, target_tag()};
  return true;
}

bool Machine::load_array(uint32_t variable, uint64_t index, Value* result) {
  // A call brings no registers along; but which there would be is known.
  if (variable == dif::kVarUregs && index >= kUserRegisters) return fail(Fault::kBadindex, index);
  if (variable == dif::kVarSymbols) return load_symbol(index, result);
  if (variable != dif::kVarArgs) return fail(Fault::kIllop);
  if (index >= context_->firing.args.size()) return fail(Fault::kBadindex, index);
  *result = argument(index);
  return true;
}

bool Machine::load_builtin(uint32_t variable, Value* result) {
  const Firing& firing = context_->firing;
  if (variable >= dif::kVarArg0 && variable <= dif::kVarArg9) {
    *result = argument(variable - dif::kVarArg0);
    return true;
  }
  Value& v = *result;
  switch (variable) {
    case dif::kVarCurthread:
      v = {firing.task, target_tag()};
      return true;
    case dif::kVarTimestamp:
      v = {context_->timestamp()};
      return true;
    case dif::kVarWalltimestamp:
      v = {context_->walltimestamp()};
      return true;
    case dif::kVarVtimestamp:
      // How long a guest's thread was on its CPU a call does not say.
      if (firing.target != kHost) return fail(Fault::kIllop);
      v = {context_->vtimestamp()};
      return true;
    case dif::kVarEpid:
      v = {uint64_t{ecb_->probe->id} << 32 | (ecb_->clause->index + 1)};
      return true;
    case dif::kVarId:
      v = {ecb_->probe->id};
      return true;
    case dif::kVarProbeprov:
      v = builtin_string(BuiltinString::kProbeprov);
      return true;
    case dif::kVarProbemod:
      v = builtin_string(BuiltinString::kProbemod);
      return true;
    case dif::kVarProbefunc:
      v = builtin_string(BuiltinString::kProbefunc);
      return true;
    case dif::kVarProbename:
      v = builtin_string(BuiltinString::kProbename);
      return true;
    case dif::kVarPid:
      v = {narrow(firing.pid, 4, true)};
      return true;
    case dif::kVarTid:
      v = {narrow(firing.tid, 4, true)};
      return true;
    case dif::kVarPpid:
      v = {narrow(firing.ppid, 4, true)};
      return true;
    case dif::kVarExecname:
      v = builtin_string(BuiltinString::kExecname);
      return true;
    case dif::kVarUid:
      v = {firing.uid};
      return true;
    case dif::kVarGid:
      v = {firing.gid};
      return true;
    case dif::kVarErrno:
      v = {static_cast<uint64_t>(int64_t{firing.error})};
      return true;
    case dif::kVarCpu:
      v = {firing.cpu};
      return true;
    // The host's own probes fire in no function; of a guest's nothing is known unless its stacks were captured. A
    // kernel stack begins with the caller of what fired, a user stack with where the thread is.
    case dif::kVarCaller:
    case dif::kVarUcaller:
    case dif::kVarStackdepth:
    case dif::kVarUstackdepth:
      if (firing.target != kHost && firing.kernel_stack.empty() && firing.user_stack.empty())
        return fail(Fault::kIllop);
      v = stack_builtin(variable);
      return true;
    case dif::kVarVmname:
      v = builtin_string(BuiltinString::kVmname);
      return true;
    case dif::kVarVmid:
      v = {firing.target};
      return true;
    default:
      return fail(Fault::kIllop);
  }
}

}  // namespace ht::engine
