// Programs that nobody wrote: random instructions, of which the verifier accepts some. Those must run to a result or a
// fault, whatever they do. The seed is fixed, so that a failure can be seen again.
#include "random_programs.h"

#include <random>

#include "dif/verify.h"
#include "engine/test_support.h"

namespace ht::dif::cases {
namespace {

constexpr uint64_t kGuestPage = 0xffff888000010000;
constexpr uint64_t kUserPage = 0x7000;

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  Program program() {
    Program program;
    const Type word = Type::integer(8, true, "int64_t");
    const Type object{TypeKind::kD, CKind::kStruct, Type::kByRef, 24, "struct s"};
    add(program, Scope::kGlobal, 0x500, word);
    add(program, Scope::kGlobal, 0x501, Type::string());
    add(program, Scope::kGlobal, 0x502, object);
    add(program, Scope::kThread, 0x500, word);
    add(program, Scope::kThread, 0x501, Type::string());
    add(program, Scope::kThread, 0x502, object);
    add(program, Scope::kLocal, 0x500, word);
    add(program, Scope::kLocal, 0x501, Type::string());
    add(program, Scope::kLocal, 0x502, object);
    add(program, Scope::kGlobal, 0x503, word, {Type::string()});
    add(program, Scope::kThread, 0x503, object, {word});
    program.linked = true;
    Action action = engine::test::action(ActionKind::kDifexpr, {difo()});
    action.record = true;
    program.clauses = {engine::test::clause({action})};
    return program;
  }

 private:
  uint32_t below(uint32_t limit) { return std::uniform_int_distribution<uint32_t>(0, limit - 1)(random_); }

  static void add(Program& program, Scope scope, uint16_t id, Type type, std::vector<Type> keys = {}) {
    const VarKind kind = keys.empty() ? VarKind::kScalar : VarKind::kArray;
    program.variables.push_back(engine::test::variable(id, scope, std::move(type), kind, std::move(keys)));
  }

  // Numbers and strings to start from, then instructions, then ret.
  Difo difo() {
    Difo difo;
    difo.ints = {0,
                 1,
                 8,
                 63,
                 300,
                 ~uint64_t{0},
                 uint64_t{1} << 63,
                 kGuestPage,
                 kGuestPage + 4090,
                 kUserPage,
                 uint64_t{0x0f1} << 52};
    difo.strings = std::string("\0/usr/./lib/../a\0{\"a\":[1,{\"b\":\"x\"}]}\0a[1].b\0-0x7f\0", 50);
    for (unsigned r = 1; r < kRegisters; ++r) {
      const bool number = below(2) != 0;
      const auto tables = number ? static_cast<uint32_t>(difo.ints.size()) : static_cast<uint32_t>(difo.strings.size());
      difo.text.push_back(make_index(number ? Op::kSetx : Op::kSets, below(tables), r));
    }
    const uint32_t count = 1 + below(40);
    for (uint32_t i = 0; i < count; ++i) difo.text.push_back(instruction(static_cast<uint32_t>(difo.text.size())));
    difo.text.push_back(make(Op::kRet, 0, 0, below(kRegisters)));
    const uint32_t result = below(3);
    difo.rtype = result == 0   ? Type::string()
                 : result == 1 ? Type{TypeKind::kD, CKind::kStruct, Type::kByRef, 40, "struct r"}
                               : Type::integer(8, true, "int64_t");
    return difo;
  }

  // Mostly such as pass: otherwise few programs would.
  Instr instruction(uint32_t pc) {
    const Op op = static_cast<Op>(1 + below(77));
    const unsigned a = below(kRegisters), b = below(kRegisters), d = 1 + below(kRegisters - 1);
    switch (kOpInfo[static_cast<size_t>(op)].format) {
      case Format::kR1R2Rd:
        return make(op, a, b, d);
      case Format::kR1Rd:
      case Format::kLoad:
      case Format::kStore:
        return make(op, a, 0, d);
      case Format::kR1R2:
        return make(op, a, b, 0);
      case Format::kR1:
        return make(op, a, 0, 0);
      case Format::kLabel:
        return make_label(op, pc + 1 + below(3));
      case Format::kRd:
        return make(Op::kNop, 0, 0, 0);
      case Format::kInt:
        return make_index(op, below(11), d);
      case Format::kString:
        return make_index(op, below(50), d);
      case Format::kVarR2Rd:
        return make(op, below(3), b, d);
      case Format::kVarRd:
      case Format::kRsVar:
        return make_index(op, below(3) == 0 ? 0x100 + below(0x24) : 0x500 + below(4), d);
      case Format::kCall:
        return make_index(op, below(kMaxSubr + 1), d);
      case Format::kPushRef:
        return make(op, below(2), b, d);
      case Format::kPushVal:
        return make(op, 0, 0, d);
      default:
        return make(op, 0, 0, 0);
    }
  }

  std::mt19937 random_;
};

}  // namespace

unsigned run_random_programs(unsigned wanted) {
  Generator generator(20);
  unsigned ran = 0;
  for (unsigned tried = 0; ran < wanted && tried < wanted * 1000; ++tried) {
    Program program = generator.program();
    if (!verify(program, Stage::kLinked).ok()) continue;
    ++ran;
    engine::SessionConfig config;
    config.bufsize = config.aggsize = config.dynvarsize = 64 << 10;
    engine::test::Harness harness(config);
    harness.memory.put(kGuestPage, std::string(4096, 'g'));
    harness.memory.put_user(kUserPage, std::string(4096, 'u'));
    harness.program = std::move(program);
    harness.start();
    for (int i = 0; i < 3; ++i) harness.fire();
    if (harness.records().size() != 3) return 0;
  }
  return ran;
}

}  // namespace ht::dif::cases
