// DIF reaches the daemon in objects: the verifier must judge whatever it is given, and what it accepts must run to a
// result or a fault, whatever it does and whatever the guest's memory holds.
//
// Input: a byte that chooses the result's type, one for the number of integers, one for the bytes of strings; then
// those, then text.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "dif/verify.h"
#include "engine/engine.h"
#include "guest/memory.h"

namespace {

using ht::dif::Scope;
using ht::dif::Type;

// Everything is mapped, and holds what is asked for: its own address, or a text.
class AnyMemory final : public ht::guest::Memory {
 public:
  bool read_kernel(uint64_t address, void* out, size_t size, uint64_t* fault) override {
    return read(address, out, size, fault);
  }
  bool read_user(uint64_t, uint64_t address, void* out, size_t size, uint64_t* fault) override {
    return read(address, out, size, fault);
  }

 private:
  static bool read(uint64_t address, void* out, size_t size, uint64_t* fault) {
    static constexpr char kText[] = "{\"a\":[1,\"/usr/../lib/./x\"],\"b\":-0x1f}";
    if ((address & 0xf000) == 0xf000) {
      *fault = address;
      return false;
    }
    for (size_t i = 0; i < size; ++i) static_cast<char*>(out)[i] = kText[(address + i) % sizeof kText];
    return true;
  }
};

void add(ht::dif::Program& program, Scope scope, uint16_t id, Type type, std::vector<Type> keys = {}) {
  ht::dif::VariableDef& variable = program.variables.emplace_back();
  variable.name = "v";
  variable.id = id;
  variable.scope = scope;
  variable.kind = keys.empty() ? ht::dif::VarKind::kScalar : ht::dif::VarKind::kArray;
  variable.type = std::move(type);
  variable.keys = std::move(keys);
}

ht::dif::Program program_of(ht::dif::Difo difo) {
  const Type word = Type::integer(8, true, "int64_t");
  const Type object{ht::dif::TypeKind::kD, ht::dif::CKind::kStruct, Type::kByRef, 24, "struct s"};
  ht::dif::Program program;
  for (const Scope scope : {Scope::kGlobal, Scope::kThread, Scope::kLocal}) {
    add(program, scope, 0x500, word);
    add(program, scope, 0x501, Type::string());
    add(program, scope, 0x502, object);
  }
  add(program, Scope::kGlobal, 0x503, word, {Type::string()});
  add(program, Scope::kThread, 0x503, object, {word});
  program.linked = true;
  ht::dif::Action action;
  action.kind = ht::dif::ActionKind::kDifexpr;
  action.record = !difo.rtype.is_void();
  action.args = {std::move(difo)};
  action.arg_kinds = {ht::dif::ActionKind::kDifexpr};
  action.arg_params = {0};
  ht::dif::Clause& clause = program.clauses.emplace_back();
  clause.probes.resize(1);
  clause.actions = {std::move(action)};
  return program;
}

void run(ht::dif::Program program) {
  constexpr uint32_t kProbe = 1;
  static std::unique_ptr<ht::engine::Engine> engine = ht::engine::Engine::create(2, ht::system_clock());
  static AnyMemory memory;
  ht::engine::SessionConfig config;
  config.bufsize = config.aggsize = config.dynvarsize = 64 << 10;
  auto session = engine->create_session(config);
  if (!session.ok()) std::abort();
  const auto variant = session.value()->add_variant(std::make_shared<ht::dif::Program>(std::move(program)));
  if (!variant.ok()) std::abort();  // the verifier has accepted it
  session.value()->enable(1, kProbe, {1, "p", "m", "f", "n"}, variant.value(), 0);
  engine->publish(session.value());
  if (!session.value()->start().ok()) std::abort();
  ht::engine::Firing firing;
  firing.target = 1;
  firing.probe = kProbe;
  firing.pgd = 1;
  firing.memory = &memory;
  firing.args = {0xffff888000000000, 0x7000, 1};
  for (int i = 0; i < 2; ++i) engine->fire(1, firing);
  session.value()->stop();
  engine->remove(session.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  ht::dif::Difo difo;
  const Type results[] = {Type::integer(8, true, "int64_t"),
                          Type::string(),
                          Type::none(),
                          {ht::dif::TypeKind::kD, ht::dif::CKind::kStruct, Type::kByRef, 40, "struct r"}};
  difo.rtype = results[data[0] % std::size(results)];
  const size_t ints = data[1] % 32, strings = data[2];
  const uint8_t* at = data + 3;
  const uint8_t* const end = data + size;
  difo.ints.resize(std::min<size_t>(ints, static_cast<size_t>(end - at) / 8));
  if (!difo.ints.empty()) std::memcpy(difo.ints.data(), at, difo.ints.size() * 8);
  at += difo.ints.size() * 8;
  const size_t taken = std::min<size_t>(strings, static_cast<size_t>(end - at));
  difo.strings.append(reinterpret_cast<const char*>(at), taken);
  difo.strings += '\0';
  at += taken;
  difo.text.resize(static_cast<size_t>(end - at) / sizeof(ht::dif::Instr));
  if (!difo.text.empty()) std::memcpy(difo.text.data(), at, difo.text.size() * sizeof(ht::dif::Instr));
  ht::dif::Program program = program_of(std::move(difo));
  if (ht::dif::verify(program, ht::dif::Stage::kLinked).ok()) run(std::move(program));
  return 0;
}
