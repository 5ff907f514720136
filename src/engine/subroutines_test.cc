// Subroutines, one row per call.
#include "engine/test_support.h"

namespace ht::engine::test {
namespace {

// An argument: text, number or NULL.
struct Arg {
  enum Kind { kText, kNumber } kind;
  std::string text;
  int64_t number = 0;
  Arg(const char* t) : kind(kText), text(t) {}  // NOLINT: brevity of the tables
  Arg(int64_t n) : kind(kNumber), number(n) {}  // NOLINT
  Arg(int n) : kind(kNumber), number(n) {}      // NOLINT
};

std::string call_text(const std::string& name, const std::vector<Arg>& args) {
  std::string text;
  for (const Arg& arg : args) {
    if (arg.kind == Arg::kText) {
      text += "sets \"" + arg.text + "\", %r1\npushtv 0, %r1\n";
    } else {
      char number[32];
      snprintf(number, sizeof number, "0x%llx", static_cast<unsigned long long>(arg.number));
      text += std::string("setx ") + number + ", %r1\npushtv 0, %r1\n";
    }
  }
  return text + "call " + name + ", %r2\nflushts\nret %r2\n";
}

struct TextCase {
  const char* name;
  std::vector<Arg> args;
  const char* result;
};
class TextResult : public ::testing::TestWithParam<TextCase> {};
TEST_P(TextResult, Is) {
  const TextCase& c = GetParam();
  const Record record = evaluate(call_text(c.name, c.args), dif::Type::string());
  EXPECT_EQ(record.view.kind, RecordView::Kind::kClause) << c.name;
  EXPECT_EQ(record.text(), c.result) << c.name << " " << c.args[0].text;
}
INSTANTIATE_TEST_SUITE_P(
    Strings, TextResult,
    ::testing::Values(TextCase{"strjoin", {"abc", "def"}, "abcdef"}, TextCase{"strjoin", {"", ""}, ""},
                      TextCase{"substr", {"hello", 1}, "ello"}, TextCase{"substr", {"hello", 1, 3}, "ell"},
                      TextCase{"substr", {"hello", -3}, "llo"}, TextCase{"substr", {"hello", -3, 2}, "ll"},
                      TextCase{"substr", {"hello", -7, 4}, "he"}, TextCase{"substr", {"hello", -9, 2}, ""},
                      TextCase{"substr", {"hello", 5}, ""}, TextCase{"substr", {"hello", 9}, ""},
                      TextCase{"substr", {"hello", 1, -1}, "ell"}, TextCase{"substr", {"hello", 3, -4}, ""},
                      TextCase{"substr", {"hello", 1, 100}, "ello"}, TextCase{"strchr", {"a/b/c", '/'}, "/b/c"},
                      TextCase{"strrchr", {"a/b/c", '/'}, "/c"}, TextCase{"strstr", {"foobarbaz", "bar"}, "barbaz"},
                      TextCase{"strstr", {"foo", ""}, "foo"}, TextCase{"basename", {"/usr/bin/ls"}, "ls"},
                      TextCase{"basename", {"/usr/bin/"}, "bin"}, TextCase{"basename", {"/"}, "/"},
                      TextCase{"basename", {"//"}, "/"}, TextCase{"basename", {""}, "."},
                      TextCase{"basename", {"ls"}, "ls"}, TextCase{"dirname", {"/usr/bin/ls"}, "/usr/bin"},
                      TextCase{"dirname", {"/usr"}, "/"}, TextCase{"dirname", {"ls"}, "."},
                      TextCase{"dirname", {"/"}, "/"}, TextCase{"dirname", {""}, "."},
                      TextCase{"dirname", {"/a/b/"}, "/a"}, TextCase{"dirname", {"/a//b"}, "/a"},
                      TextCase{"cleanpath", {"/a//b/./c/../d"}, "/a/b/d"}, TextCase{"cleanpath", {"/../a"}, "/a"},
                      TextCase{"cleanpath", {"/a/b/.."}, "/a/"}, TextCase{"cleanpath", {""}, ""},
                      TextCase{"cleanpath", {"/"}, "/"}, TextCase{"cleanpath", {"."}, "."},
                      TextCase{"cleanpath", {"a/../../b"}, "../b"}, TextCase{"cleanpath", {"/a/..b/.c"}, "/a/..b/.c"},
                      TextCase{"lltostr", {-5}, "-5"}, TextCase{"lltostr", {255, 16}, "0xff"},
                      TextCase{"lltostr", {8, 8}, "010"}, TextCase{"lltostr", {5, 2}, "101"},
                      TextCase{"lltostr", {-1, 16}, "0xffffffffffffffff"}, TextCase{"toupper", {"aZ9"}, "AZ9"},
                      TextCase{"tolower", {"aZ9"}, "az9"}, TextCase{"strtok", {"a,b", ","}, "a"},
                      TextCase{"strtok", {",,b;c", ",;"}, "b"}));

struct NumberCase {
  const char* name;
  std::vector<Arg> args;
  int64_t result;
};
class NumberResult : public ::testing::TestWithParam<NumberCase> {};
TEST_P(NumberResult, Is) {
  const NumberCase& c = GetParam();
  const Record record = evaluate(call_text(c.name, c.args), i64());
  EXPECT_EQ(record.view.kind, RecordView::Kind::kClause) << c.name;
  EXPECT_EQ(record.number(), c.result) << c.name;
}
INSTANTIATE_TEST_SUITE_P(
    Numbers, NumberResult,
    ::testing::Values(NumberCase{"strlen", {"hello"}, 5}, NumberCase{"strlen", {""}, 0},
                      NumberCase{"index", {"abcabc", "c"}, 2}, NumberCase{"index", {"abcabc", "c", 3}, 5},
                      NumberCase{"index", {"abc", "x"}, -1}, NumberCase{"index", {"abc", "a", -5}, 0},
                      NumberCase{"index", {"abc", "", 2}, 2}, NumberCase{"index", {"abc", "", 4}, -1},
                      NumberCase{"rindex", {"abcabc", "a"}, 3}, NumberCase{"rindex", {"abcabc", "a", 2}, 0},
                      NumberCase{"rindex", {"abc", "c", -1}, -1}, NumberCase{"rindex", {"abc", "c", 100}, 2},
                      NumberCase{"strtoll", {"  -42x"}, -42}, NumberCase{"strtoll", {"0x1F", 16}, 31},
                      NumberCase{"strtoll", {"zz", 36}, 1295}, NumberCase{"strtoll", {"none"}, 0},
                      NumberCase{"htons", {0x11234}, 0x3412}, NumberCase{"htonl", {0x12345678}, 0x78563412},
                      NumberCase{"ntohll", {1}, 0x0100000000000000}, NumberCase{"getmajor", {(8 << 20) | 17}, 8},
                      NumberCase{"getminor", {(8 << 20) | 17}, 17}, NumberCase{"progenyof", {42}, 1},
                      NumberCase{"progenyof", {41}, 1}, NumberCase{"progenyof", {7}, 0},
                      NumberCase{"strchr", {"abc", 'x'}, 0}, NumberCase{"strstr", {"abc", "x"}, 0},
                      NumberCase{"strtok", {",,", ","}, 0}, NumberCase{"mutex_type_adaptive", {0}, 1}));

TEST(Subroutines, ResultsAreCutAtStrsize) {
  const std::string half(200, 'x');
  EXPECT_EQ(evaluate(call_text("strjoin", {half.c_str(), half.c_str()}), dif::Type::string()).text(),
            std::string(255, 'x'));
}

TEST(Subroutines, StrtokGoesOnWithinOneFiringOnly) {
  Harness harness;
  harness.add(
      clause({trace(call_text("strtok", {"a b", " "}), dif::Type::string()),
              trace(call_text("strtok", {0, " "}), dif::Type::string()), trace(call_text("strtok", {0, " "}))}));
  Harness second(harness);
  second.add(clause({trace(call_text("strtok", {0, " "}))}));
  harness.start();
  second.start();
  harness.fire();
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].text(0), "a");
  EXPECT_EQ(records[0].text(256), "b");
  EXPECT_EQ(records[0].number(512), 0);
  const auto other = second.records();
  ASSERT_EQ(other.size(), 1u);
  EXPECT_EQ(other[0].view.fault, dif::Fault::kBadaddr);
}

TEST(Subroutines, NullAndUnreadableStringsFault) {
  EXPECT_EQ(evaluate(call_text("strlen", {0}), i64()).view.fault, dif::Fault::kBadaddr);
  const Record record = evaluate(call_text("strlen", {int64_t(0xffff888000000123)}), i64());
  EXPECT_EQ(record.view.fault, dif::Fault::kBadaddr);
  EXPECT_EQ(record.view.fault_address, 0xffff888000000123u);
}

TEST(Subroutines, GuestStringsAreReadWithinThePageTheyEndIn) {
  FakeMemory memory;
  memory.put(0xffff888000010ffa, std::string_view("tail\0", 5));  // nothing is mapped behind it
  EXPECT_EQ(evaluate(call_text("strlen", {int64_t(0xffff888000010ffa)}), i64(), memory).view.kind,
            RecordView::Kind::kFault);  // one byte of the page is missing
  memory.put(0xffff888000010fff, "x");
  EXPECT_EQ(evaluate(call_text("strlen", {int64_t(0xffff888000010ffa)}), i64(), memory).number(), 4);
  memory.put(0xffff888000020000, std::string(4096, 'y'));  // without end
  EXPECT_EQ(evaluate(call_text("strlen", {int64_t(0xffff888000020000)}), i64(), memory).number(), 255);
}

TEST(Subroutines, CopiesOfUserMemory) {
  FakeMemory memory;
  memory.put_user(0x5000, std::string("hello world\0", 12) + std::string(64, '\0'));
  EXPECT_EQ(evaluate(call_text("copyinstr", {0x5000}), dif::Type::string(), memory).text(), "hello world");
  EXPECT_EQ(evaluate(call_text("copyinstr", {0x5000, 5}), dif::Type::string(), memory).text(), "hello");
  EXPECT_EQ(evaluate(call_text("copyinstr", {0x9000}), dif::Type::string(), memory).view.fault_address, 0x9000u);
  dif::Type bytes = dif::Type::integer(5, false, "char[5]");
  bytes.ckind = dif::CKind::kArray;
  bytes.flags = dif::Type::kByRef;
  EXPECT_EQ(evaluate(call_text("copyin", {0x5000, 5}), bytes, memory).data.substr(0, 5), "hello");
  EXPECT_EQ(evaluate("setx 8, %r1\nallocs %r1, %r3\nsetx 0x5000, %r2\npushtv 0, %r2\npushtv 0, %r1\npushtv 0, %r3\n"
                     "call copyinto, %r4\nflushts\nldub [%r3], %r4\nret %r4",
                     i64(), memory)
                .number(),
            'h');
}

TEST(Subroutines, NetworkAddresses) {
  FakeMemory memory;
  constexpr uint64_t at = 0xffff888000010000;
  const auto print = [&](std::string bytes, const std::string& name, std::vector<Arg> args) {
    bytes.resize(20);
    memory.put(at, bytes);
    return evaluate(call_text(name, args), dif::Type::string(), memory).text();
  };
  const Arg address(static_cast<int64_t>(at));
  EXPECT_EQ(print("\x0a\x01\x02\xff", "inet_ntoa", {address}), "10.1.2.255");
  EXPECT_EQ(print(std::string("\xfe\x80\0\0\0\0\0\0\x02\x11\0\0\0\0\0\x01", 16), "inet_ntoa6", {address}),
            "fe80::211:0:0:1");
  EXPECT_EQ(print(std::string(15, '\0') + "\x01", "inet_ntoa6", {address}), "::1");
  EXPECT_EQ(print(std::string(16, '\0'), "inet_ntoa6", {address}), "::");
  EXPECT_EQ(print(std::string("\0\1\0\2\0\3\0\4\0\5\0\6\0\0\0\0", 16), "inet_ntoa6", {address}), "1:2:3:4:5:6::");
  EXPECT_EQ(print(std::string("\0\1\0\0\0\3\0\4\0\5\0\6\0\7\0\x08", 16), "inet_ntoa6", {address}), "1:0:3:4:5:6:7:8");
  const std::string mapped = std::string(10, '\0') + "\xff\xff\x7f" + std::string(2, '\0') + "\x01";
  EXPECT_EQ(print(mapped, "inet_ntoa6", {address}), "127.0.0.1");
  EXPECT_EQ(print(mapped, "inet_ntop", {10, address}), "::ffff:127.0.0.1");
  EXPECT_EQ(print("\x0a\x01\x02\x03", "inet_ntop", {2, address}), "10.1.2.3");
  EXPECT_EQ(print(std::string("\x52\x54\0\x12\x34\xff", 6), "link_ntop", {1, address}), "52:54:00:12:34:ff");
}

}  // namespace
}  // namespace ht::engine::test
