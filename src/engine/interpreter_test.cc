// Instructions at their edges, judged by what a clause traces.
#include <limits>

#include "engine/test_support.h"

namespace ht::engine::test {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr uint64_t kKernel = 0xffff888000010000;

std::string hex(int64_t value) {
  char text[32];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

struct BinaryCase {
  const char* op;
  int64_t a, b, result;
};
class Binary : public ::testing::TestWithParam<BinaryCase> {};

TEST_P(Binary, Computes) {
  const BinaryCase& c = GetParam();
  const std::string text =
      "setx " + hex(c.a) + ", %r1\nsetx " + hex(c.b) + ", %r2\n" + c.op + " %r1, %r2, %r3\nret %r3\n";
  const Record record = evaluate(text, i64());
  EXPECT_EQ(record.view.kind, RecordView::Kind::kClause);
  EXPECT_EQ(record.number(), c.result) << text;
}
INSTANTIATE_TEST_SUITE_P(Edges, Binary,
                         ::testing::Values(BinaryCase{"or", 0x0f, 0xf0, 0xff}, BinaryCase{"xor", 0xff, 0x0f, 0xf0},
                                           BinaryCase{"and", 0x3c, 0x0f, 0x0c}, BinaryCase{"sll", 1, 63, kMin},
                                           BinaryCase{"sll", 1, 64, 1}, BinaryCase{"sll", 1, 65, 2},
                                           BinaryCase{"srl", -1, 63, 1}, BinaryCase{"srl", -1, 64, -1},
                                           BinaryCase{"sra", kMin, 63, -1}, BinaryCase{"sra", -8, 1, -4},
                                           BinaryCase{"sra", -8, 64, -8}, BinaryCase{"sub", kMin, 1, kMax},
                                           BinaryCase{"add", kMax, 1, kMin}, BinaryCase{"mul", kMax, 2, -2},
                                           BinaryCase{"sdiv", -7, 2, -3}, BinaryCase{"sdiv", kMin, -1, kMin},
                                           BinaryCase{"srem", kMin, -1, 0}, BinaryCase{"srem", -7, 2, -1},
                                           BinaryCase{"udiv", -1, 2, kMax}, BinaryCase{"urem", -1, 16, 15}));

TEST(Interpreter, UnaryAndTables) {
  EXPECT_EQ(evaluate("setx 5, %r1\nnot %r1, %r2\nret %r2", i64()).number(), ~5);
  EXPECT_EQ(evaluate("setx 5, %r1\nmov %r1, %r2\nnop\nret %r2", i64()).number(), 5);
  EXPECT_EQ(evaluate("ret %r0", i64()).number(), 0);
  EXPECT_EQ(evaluate("sets \"hello\", %r1\nret %r1", dif::Type::string()).text(), "hello");
}

// Which of the branches are taken after comparing a with b, in the order be bne bg bgu bge bgeu bl blu ble bleu.
std::string branches(int64_t a, int64_t b) {
  std::string result;
  for (const char* op : {"be", "bne", "bg", "bgu", "bge", "bgeu", "bl", "blu", "ble", "bleu"}) {
    const std::string text = "setx " + hex(a) + ", %r1\nsetx " + hex(b) + ", %r2\nsetx 1, %r3\ncmp %r1, %r2\n" + op +
                             " yes\nret %r0\nyes:\nret %r3\n";
    result += evaluate(text, i64()).number() != 0 ? '1' : '0';
  }
  return result;
}

TEST(Interpreter, ComparisonsAreExact) {
  EXPECT_EQ(branches(3, 3), "1000110011");
  EXPECT_EQ(branches(4, 3), "0111110000");
  EXPECT_EQ(branches(3, 4), "0100001111");
  EXPECT_EQ(branches(-1, 1), "0101011010");
  EXPECT_EQ(branches(kMin, kMax), "0101011010");  // more than 2^63 apart
  EXPECT_EQ(branches(kMax, kMin), "0110100101");
}

TEST(Interpreter, TestAndStringCompare) {
  EXPECT_EQ(
      evaluate("setx 0x8000000000000000, %r1\nsetx 1, %r2\ntst %r1\nbg yes\nret %r0\nyes:\nret %r2", i64()).number(),
      1);
  const auto compare = [](const char* a, const char* b) {
    const std::string text = std::string("sets \"") + a + "\", %r1\nsets \"" + b +
                             "\", %r2\nscmp %r1, %r2\nbe equal\nbl less\nsetx 1, %r3\nret %r3\nless:\nsetx 2, "
                             "%r3\nret %r3\nequal:\nret %r0\n";
    return evaluate(text, i64()).number();
  };
  EXPECT_EQ(compare("abc", "abc"), 0);
  EXPECT_EQ(compare("abd", "abc"), 1);
  EXPECT_EQ(compare("ab", "abc"), 2);
  EXPECT_EQ(compare("", ""), 0);
  EXPECT_EQ(evaluate("sets \"\", %r1\nscmp %r1, %r0\nbe yes\nret %r0\nyes:\nsetx 1, %r2\nret %r2", i64()).number(), 1);
}

struct FaultCase {
  const char* text;
  dif::Fault fault;
  uint64_t address;
  int32_t offset;
};
class Faults : public ::testing::TestWithParam<FaultCase> {};

TEST_P(Faults, AbandonTheClause) {
  const FaultCase& c = GetParam();
  const Record record = evaluate(c.text, i64());
  EXPECT_EQ(record.view.kind, RecordView::Kind::kFault) << c.text;
  EXPECT_EQ(record.view.fault, c.fault) << c.text;
  EXPECT_EQ(record.view.fault_address, c.address) << c.text;
  EXPECT_EQ(record.view.fault_offset, c.offset) << c.text;
  EXPECT_EQ(record.view.fault_action, 1u);
}
INSTANTIATE_TEST_SUITE_P(
    All, Faults,
    ::testing::Values(
        FaultCase{"setx 1, %r1\nsdiv %r1, %r0, %r2\nret %r2", dif::Fault::kDivzero, 0, 4},
        FaultCase{"setx 1, %r1\nurem %r1, %r0, %r2\nret %r2", dif::Fault::kDivzero, 0, 4},
        FaultCase{"ldx [%r0], %r1\nret %r1", dif::Fault::kBadaddr, 0, 0},
        FaultCase{"setx 0x1000, %r1\nldub [%r1], %r2\nret %r2", dif::Fault::kBadaddr, 0x1000, 4},
        FaultCase{"setx 0xffff888000000000, %r1\nldx [%r1], %r2\nret %r2", dif::Fault::kBadaddr, 0xffff888000000000, 4},
        FaultCase{"setx 0xffffffffffffffff, %r1\nldx [%r1], %r2\nret %r2", dif::Fault::kBadaddr, ~0ull, 4},
        FaultCase{"setx 0xffff888000000000, %r1\nuldx [%r1], %r2\nret %r2", dif::Fault::kBadaddr, 0xffff888000000000,
                  4},
        // A forged synthetic address is nobody's.
        FaultCase{"setx 0x0f20000000000000, %r1\nldub [%r1], %r2\nret %r2", dif::Fault::kBadaddr, 0x0f20000000000000,
                  4},
        FaultCase{"sets \"abc\", %r1\nsetx 9, %r2\nadd %r1, %r2, %r3\nldub [%r3], %r4\nret %r4", dif::Fault::kBadaddr,
                  0x0f2000000000000a, 12},
        FaultCase{"sets \"abc\", %r1\nsetx 1, %r2\nstb %r2, [%r1]\nret %r2", dif::Fault::kBadaddr, 0x0f20000000000001,
                  8},
        FaultCase{"setx 0xffff888000000000, %r1\nstx %r1, [%r1]\nret %r1", dif::Fault::kBadaddr, 0xffff888000000000, 4},
        FaultCase{"setx 0x10000000, %r1\nallocs %r1, %r2\nret %r2", dif::Fault::kNoscratch, 0, 4},
        FaultCase{"ldgs 258, %r1\nret %r1", dif::Fault::kIllop, 0, 0},  // vtimestamp of a guest's thread
        FaultCase{"setx 10, %r1\nldga 0, %r1, %r2\nret %r2", dif::Fault::kBadindex, 10, 4},
        FaultCase{"ldgs 262, %r1\npushtv 0, %r1\ncall msgsize, %r2\nret %r2", dif::Fault::kIllop, 0, 8}));

TEST(Interpreter, LoadsExtendAsTheySay) {
  FakeMemory memory;
  memory.put_word(kKernel, 0x8887868584838281);
  const auto load = [&](const char* op) {
    return evaluate("setx " + hex(static_cast<int64_t>(kKernel)) + ", %r1\n" + op + " [%r1], %r2\nret %r2", i64(),
                    memory)
        .number();
  };
  EXPECT_EQ(load("ldsb"), int8_t(0x81));
  EXPECT_EQ(load("ldsh"), int16_t(0x8281));
  EXPECT_EQ(load("ldsw"), int32_t(0x84838281));
  EXPECT_EQ(load("ldub"), 0x81);
  EXPECT_EQ(load("lduh"), 0x8281);
  EXPECT_EQ(load("lduw"), 0x84838281);
  EXPECT_EQ(load("ldx"), static_cast<int64_t>(0x8887868584838281));
  EXPECT_EQ(load("rldsw"), int32_t(0x84838281));
  EXPECT_EQ(load("rldub"), 0x81);
  memory.put_user(0x7000, std::string_view("\xfe\xff\xff\xff\xff\xff\xff\xff", 8));
  EXPECT_EQ(evaluate("setx 0x7000, %r1\nuldsb [%r1], %r2\nret %r2", i64(), memory).number(), -2);
  EXPECT_EQ(evaluate("setx 0x7000, %r1\nulduw [%r1], %r2\nret %r2", i64(), memory).number(), 0xfffffffe);
  EXPECT_EQ(evaluate("setx 0x7000, %r1\nuldx [%r1], %r2\nret %r2", i64(), memory).number(), -2);
}

TEST(Interpreter, ScratchIsZeroedStorableAndBounded) {
  EXPECT_EQ(evaluate("setx 16, %r1\nallocs %r1, %r2\nldx [%r2], %r3\nret %r3", i64()).number(), 0);
  EXPECT_EQ(
      evaluate("setx 16, %r1\nallocs %r1, %r2\nsetx 0x1234567890, %r3\nstw %r3, [%r2]\nldx [%r2], %r4\nret %r4", i64())
          .number(),
      0x34567890);
  // Right behind an allocation is not the next one.
  EXPECT_EQ(evaluate("setx 8, %r1\nallocs %r1, %r2\nallocs %r1, %r3\nadd %r2, %r1, %r4\nstx %r1, [%r4]\nret %r1", i64())
                .view.fault,
            dif::Fault::kBadaddr);
  EXPECT_EQ(evaluate("setx 8, %r1\nallocs %r1, %r2\nallocs %r1, %r3\nstx %r1, [%r2]\ncopys %r2, %r1, %r3\nldx [%r3], "
                     "%r4\nret %r4",
                     i64())
                .number(),
            8);
}

TEST(Interpreter, NinthTupleElementFaults) {
  std::string text = "setx 1, %r1\n";
  for (int i = 0; i < 9; ++i) text += "pushtv 0, %r1\n";
  const Record record = evaluate(text + "flushts\nret %r1\n", i64());
  EXPECT_EQ(record.view.fault, dif::Fault::kTupoflow);
  EXPECT_EQ(record.view.fault_offset, 9 * 4);
}

TEST(Interpreter, AGuestAddressIsReadWithinItsOwnGuestOnly) {
  // Clause 0, on guest 1: remember a pointer. Clause 1, on guest 2: follow it, also after arithmetic.
  Harness harness;
  harness.program.variables = {variable(0x500, dif::Scope::kGlobal, i64())};
  harness.program.linked = true;
  harness.add(clause({statement("ldgs 262, %r1\nstgs %r1, 0x500\nret %r0")}));
  harness.add(clause({trace("ldgs 0x500, %r1\nsetx 8, %r2\nadd %r1, %r2, %r1\nldx [%r1], %r2\nret %r2")}));
  const auto variant = harness.session->add_variant(std::make_shared<dif::Program>(harness.program));
  ASSERT_TRUE(variant.ok()) << variant.error().message;
  harness.session->enable(1, kProbe, {1, "p", "", "", "a"}, 0, 0);
  harness.session->enable(1, kProbe + 1, {2, "p", "", "", "b"}, 0, 1);
  harness.session->enable(2, kProbe + 1, {2, "p", "", "", "b"}, 0, 1);
  harness.engine->publish(harness.session);
  harness.reader = open_reader(*harness.session);
  ASSERT_TRUE(harness.session->start().ok());
  harness.memory.put_word(kKernel + 8, 77);
  Firing firing = harness.firing(1);
  firing.args[0] = kKernel;
  harness.engine->fire(1, firing);
  firing.probe = kProbe + 1;
  harness.engine->fire(1, firing);
  firing.target = 2;
  harness.engine->fire(1, firing);
  const std::vector<Record> records = harness.records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].number(), 77);
  EXPECT_EQ(records[1].view.fault, dif::Fault::kBadaddr);
  EXPECT_EQ(records[1].view.fault_address, kKernel + 8);
}

TEST(Interpreter, OriginSurvivesScratchAndCannotBeForgedByTheGuest) {
  FakeMemory memory;
  memory.put_word(kKernel, kKernel + 8);
  memory.put_word(kKernel + 8, 55);
  // A pointer copied to scratch and loaded back is the guest's pointer still.
  const std::string through_scratch =
      "setx 8, %r1\nallocs %r1, %r2\nsetx 0xffff888000010000, %r3\ncopys %r3, %r1, %r2\nldx [%r2], %r4\nldx [%r4], "
      "%r5\nret %r5";
  EXPECT_EQ(evaluate(through_scratch, i64(), memory).number(), 55);
  // And a scratch address that comes from the guest's memory is not one.
  memory.put_word(kKernel, 0x0f10000000000000);
  EXPECT_EQ(evaluate(through_scratch, i64(), memory).view.fault_address, 0x0f10000000000000u);
}

}  // namespace
}  // namespace ht::engine::test
