// Every instruction's and every subroutine's typing rule, a row each: what goes in, what comes out or what is wrong. A
// row of the instruction table or of the subroutine table without a row here is a failure.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "dif/assembler.h"
#include "typing/infer.h"
#include "typing/sample_types.h"

namespace ht::typing {
namespace {

// Code that leaves a value of a type in %r{0}. "->m" loads member m of curthread, "&m" takes its address.
struct Input {
  std::string_view name;
  std::string_view code;
};
constexpr Input kInputs[] = {
    {"task", "ldgs 0x100, %r{0}\n"},
    {"pid", "ldgs 0x116, %r{0}\n"},
    {"uint64", "ldgs 0x101, %r{0}\n"},
    {"int64", "ldgs 0x106, %r{0}\n"},
    {"string", "ldgs 0x118, %r{0}\n"},
    {"0", "setx 0, %r{0}\n"},
    {"5", "setx 5, %r{0}\n"},
    {"56", "setx 56, %r{0}\n"},
    {"big", "setx 0x100000000, %r{0}\n"},
    {"scratch", "allocs %r0, %r{0}\n"},
    {"member pid", "usetx \"pid\", %r{0}\n"},
    {"member none", "usetx \"none\", %r{0}\n"},
    {"element", "usetx \"[]\", %r{0}\n"},
    {"sizeof cred", "usetx \"sizeof(struct cred)\", %r{0}\n"},
    {"file *", "ldgs 0x106, %r{0}\ntypecast \"struct file *\", %r{0}\n"},
    {"unknown *", "ldgs 0x106, %r{0}\ntypecast \"struct unknown *\", %r{0}\n"},
};

std::string input(std::string_view name, unsigned reg) {
  for (const Input& row : kInputs) {
    if (row.name == name) return fmt::format(fmt::runtime(row.code), reg);
  }
  const bool load = name.starts_with("->");
  std::string code =
      fmt::format("ldgs 0x100, %r{0}\nusetx \"{1}\", %r7\nadd %r{0}, %r7, %r{0}\n", reg, name.substr(load ? 2 : 1));
  return load ? code + fmt::format("uload [%r{0}], %r{0}\n", reg) : code;
}

// What an instruction defines is of the type `expected`; "signed" and "unsigned" for condition codes, "-" for nothing;
// after "!" the problem, which need not be the whole message.
struct Rule {
  std::string_view mnemonic;
  std::string_view operands;  // with what goes in in %r1 and %r2; what comes out goes to %r3
  std::string_view first, second;
  std::string_view expected;
};

constexpr Rule kRules[] = {
    {"or", "%r1, %r2, %r3", "pid", "->pid", "pid_t"},
    {"or", "%r1, %r2, %r3", "member pid", "pid", "!the offset of \"pid\" is not added to an address"},
    {"xor", "%r1, %r2, %r3", "pid", "uint64", "uint64_t"},
    {"and", "%r1, %r2, %r3", "->jobctl", "5", "long unsigned int"},
    {"sll", "%r1, %r2, %r3", "pid", "uint64", "pid_t"},
    {"srl", "%r1, %r2, %r3", "->jobctl", "5", "long unsigned int"},
    {"sra", "%r1, %r2, %r3", "->pid", "5", "pid_t"},
    {"sub", "%r1, %r2, %r3", "->pid", "5", "pid_t"},
    {"sub", "%r1, %r2, %r3", "task", "5", "struct task_struct *"},
    {"sub", "%r1, %r2, %r3", "task", "->parent", "ptrdiff_t"},
    {"sub", "%r1, %r2, %r3", "5", "member pid", "!the offset of \"pid\" is not added to an address"},
    {"add", "%r1, %r2, %r3", "pid", "big", "long"},
    {"add", "%r1, %r2, %r3", "task", "uint64", "struct task_struct *"},
    {"add", "%r1, %r2, %r3", "5", "->comm", "char *"},
    {"add", "%r1, %r2, %r3", "task", "member pid", "pid_t *"},
    {"add", "%r1, %r2, %r3", "task", "member none", "!struct task_struct has no member \"none\""},
    {"add", "%r1, %r2, %r3", "pid", "member pid", "!it has type \"pid_t\""},
    {"add", "%r1, %r2, %r3", "->opaque", "member pid", "!only declared, not defined"},
    {"add", "%r1, %r2, %r3", "unknown *", "member pid", "!unknown type \"struct unknown\""},
    {"add", "%r1, %r2, %r3", "->numbers", "element", "long unsigned int *"},
    {"add", "%r1, %r2, %r3", "->pid", "element", "pid_t"},
    {"add", "%r1, %r2, %r3", "->anything", "element", "!its elements have no known size"},
    {"mul", "%r1, %r2, %r3", "pid", "uint64", "uint64_t"},
    {"mul", "%r1, %r2, %r3", "5", "element", "offset of an element"},
    {"mul", "%r1, %r2, %r3", "->parent", "element", "!a pointer and \"struct task_struct *\""},
    {"sdiv", "%r1, %r2, %r3", "->stime", "5", "long int"},
    {"sdiv", "%r1, %r2, %r3", "5", "element", "!divides what is no difference of pointers"},
    {"udiv", "%r1, %r2, %r3", "pid", "uint64", "uint64_t"},
    {"srem", "%r1, %r2, %r3", "pid", "5", "pid_t"},
    {"urem", "%r1, %r2, %r3", "uint64", "5", "uint64_t"},
    {"urem", "%r1, %r2, %r3", "uint64", "member pid", "!the offset of \"pid\" is not added to an address"},
    {"not", "%r1, %r3", "->pid", "", "pid_t"},
    {"mov", "%r1, %r3", "->comm", "", "char [16]"},
    {"cmp", "%r1, %r2", "pid", "5", "signed"},
    {"cmp", "%r1, %r2", "->jobctl", "5", "unsigned"},
    {"cmp", "%r1, %r2", "task", "0", "unsigned"},
    {"tst", "%r1", "->pid", "", "signed"},
    {"scmp", "%r1, %r2", "string", "->comm", "unsigned"},
    {"scmp", "%r1, %r2", "string", "->pid", "!a string is wanted here, and this is \"pid_t\""},
    {"scmp", "%r1, %r2", "->cred", "string", "!a string is wanted here, and this is \"const struct cred *\""},
    {"ldsb", "[%r1], %r3", "scratch", "", "char"},
    {"ldsh", "[%r1], %r3", "scratch", "", "short"},
    {"ldsw", "[%r1], %r3", "scratch", "", "int"},
    {"ldsw", "[%r1], %r3", "&pid", "", "pid_t"},
    {"ldub", "[%r1], %r3", "scratch", "", "unsigned char"},
    {"lduh", "[%r1], %r3", "scratch", "", "unsigned short"},
    {"lduw", "[%r1], %r3", "scratch", "", "unsigned int"},
    {"ldx", "[%r1], %r3", "scratch", "", "long"},
    {"ldx", "[%r1], %r3", "&parent", "", "struct task_struct *"},
    {"ldx", "[%r1], %r3", "&pid", "", "long"},  // other than its width: what the instruction says
    {"uldsb", "[%r1], %r3", "int64", "", "char"},
    {"uldsh", "[%r1], %r3", "int64", "", "short"},
    {"uldsw", "[%r1], %r3", "int64", "", "int"},
    {"uldub", "[%r1], %r3", "int64", "", "unsigned char"},
    {"ulduh", "[%r1], %r3", "int64", "", "unsigned short"},
    {"ulduw", "[%r1], %r3", "int64", "", "unsigned int"},
    {"uldx", "[%r1], %r3", "int64", "", "long"},
    {"rldsb", "[%r1], %r3", "int64", "", "char"},
    {"rldsh", "[%r1], %r3", "int64", "", "short"},
    {"rldsw", "[%r1], %r3", "int64", "", "int"},
    {"rldub", "[%r1], %r3", "int64", "", "unsigned char"},
    {"rlduh", "[%r1], %r3", "int64", "", "unsigned short"},
    {"rlduw", "[%r1], %r3", "int64", "", "unsigned int"},
    {"rldx", "[%r1], %r3", "int64", "", "long"},
    {"ret", "%r1", "->comm", "", "char [16]"},
    {"nop", "", "", "", "-"},
    {"setx", "5, %r3", "", "", "int"},
    {"setx", "0x100000000, %r3", "", "", "long"},
    {"sets", "\"text\", %r3", "", "", "string"},
    {"ldga", "0, %r1, %r3", "5", "", "long"},           // args[5], of no probe
    {"ldga", "2, %r1, %r3", "5", "", "unsigned long"},  // uregs[5]
    {"ldta", "0, %r1, %r3", "5", "", "unsigned long"},
    {"ldgs", "0x100, %r3", "", "", "struct task_struct *"},
    {"ldgs", "0x500, %r3", "", "", "struct file *"},
    {"stgs", "%r1, 0x500", "->files", "", "struct file *"},
    {"ldts", "0x500, %r3", "", "", "struct file *"},
    {"stts", "%r1, 0x500", "->files", "", "struct file *"},
    {"stts", "%r1, 0x501", "->pid", "", "!a string is wanted here, and this is \"pid_t\""},
    {"ldls", "0x500, %r3", "", "", "struct file *"},
    {"stls", "%r1, 0x500", "->comm", "", "char [16]"},
    {"ldgaa", "0x502, %r3", "", "", "struct file *"},
    {"stgaa", "%r1, 0x502", "->files", "", "struct file *"},
    {"ldtaa", "0x502, %r3", "", "", "struct file *"},
    {"sttaa", "%r1, 0x502", "->files", "", "struct file *"},
    {"call", "rand, %r3", "", "", "int"},  // each subroutine: below
    {"pushtr", "1, %r0, %r1", "->comm", "", "string"},
    {"pushtr", "0, %r2, %r1", "->comm", "5", "char [16]"},
    {"pushtv", "0, %r1", "->pid", "", "pid_t"},
    {"popts", "", "", "", "-"},
    {"flushts", "", "", "", "-"},
    {"allocs", "%r1, %r3", "5", "", "void *"},
    {"copys", "%r1, %r2, %r3", "string", "5", "-"},
    {"stb", "%r1, [%r2]", "pid", "scratch", "-"},
    {"sth", "%r1, [%r2]", "pid", "scratch", "-"},
    {"stw", "%r1, [%r2]", "pid", "scratch", "-"},
    {"stx", "%r1, [%r2]", "pid", "scratch", "-"},
    {"xlate", "0, %r3", "", "", "long"},
    {"xlarg", "0, %r3", "", "", "long"},
    {"usetx", "\"pid\", %r3", "", "", "offset of pid"},
    {"usetx", "\"[]\", %r3", "", "", "offset of an element"},
    {"usetx", "\"sizeof(struct cred)\", %r3", "", "", "size_t"},
    {"usetx", "\"sizeof(struct none)\", %r3", "", "", "!unknown type \"struct none\""},
    {"usetx", "\"offsetof(struct cred, gid)\", %r3", "", "", "int"},
    {"usetx", "\"offsetof(struct cred, none)\", %r3", "", "", "!struct cred has no member \"none\""},
    {"usetx", "\"enum(DEAD)\", %r3", "", "", "int"},
    {"usetx", "\"enum(DAED)\", %r3", "", "", "!failed to resolve DAED"},
    {"usetx", "\"defined(struct none)\", %r3", "", "", "int"},
    {"usetx", "\"sym(`init_task)\", %r3", "", "", "struct task_struct *"},
    {"uload", "[%r1], %r3", "&pid", "", "pid_t"},
    {"uload", "[%r1], %r3", "&comm", "", "char [16]"},
    {"uload", "[%r1], %r3", "task", "", "struct task_struct"},
    {"uload", "[%r1], %r3", "&policy", "", "unsigned int"},
    {"uload", "[%r1], %r3", "string", "", "char"},
    {"uload", "[%r1], %r3", "->pid", "", "!cannot dereference: it has type \"pid_t\""},
    {"uload", "[%r1], %r3", "->anything", "", "!cannot dereference pointer to void"},
    {"uuload", "[%r1], %r3", "file *", "", "struct file"},
    {"uuload", "[%r1], %r3", "int64", "", "!cannot dereference: it has type \"int64_t\""},
    {"typecast", "\"struct file *\", %r1", "int64", "", "struct file *"},
    {"typecast", "\"pid_t\", %r1", "int64", "", "pid_t"},
    {"typecast", "\"struct none\", %r1", "int64", "", "!unknown type \"struct none\""},
};

// Whether a branch over an instruction is taken, after cmp of two numbers: "always", "never", "perhaps".
struct Branch {
  std::string_view mnemonic;
  std::string_view less, equal, greater, unknown;
};
constexpr Branch kBranches[] = {
    {"ba", "always", "always", "always", "always"},   {"be", "never", "always", "never", "perhaps"},
    {"bne", "always", "never", "always", "perhaps"},  {"bg", "never", "never", "always", "perhaps"},
    {"bgu", "never", "never", "always", "perhaps"},   {"bge", "never", "always", "always", "perhaps"},
    {"bgeu", "never", "always", "always", "perhaps"}, {"bl", "always", "never", "never", "perhaps"},
    {"blu", "always", "never", "never", "perhaps"},   {"ble", "always", "always", "never", "perhaps"},
    {"bleu", "always", "always", "never", "perhaps"},
};

// The arguments, divided by commas; what is said of one that does not fit begins with "!".
struct Call {
  std::string_view name;
  std::string_view arguments;
  std::string_view expected;
};
constexpr Call kCalls[] = {
    {"rand", "", "int"},
    {"mutex_owned", "->files", "int"},
    {"mutex_owned", "->pid", "!#1"},
    {"mutex_owner", "->files", "struct task_struct *"},
    {"mutex_owner", "->policy", "!#1"},
    {"mutex_type_adaptive", "->files", "int"},
    {"mutex_type_adaptive", "->pid", "!#1"},
    {"mutex_type_spin", "->files", "int"},
    {"mutex_type_spin", "->pid", "!#1"},
    {"rw_read_held", "->jobctl", "int"},
    {"rw_read_held", "->state", "!#1"},
    {"rw_write_held", "->anything", "int"},
    {"rw_write_held", "->pid", "!#1"},
    {"rw_iswriter", "->files", "int"},
    {"rw_iswriter", "->pid", "!#1"},
    {"copyin", "->parent,->pid", "void *"},
    {"copyin", "->pid,->parent", "!#2"},
    {"copyinstr", "int64", "string"},
    {"copyinstr", "int64,->files", "!#2"},
    {"speculation", "", "int"},
    {"progenyof", "->pid", "int"},
    {"progenyof", "->parent", "!#1"},
    {"strlen", "->comm", "size_t"},
    {"strlen", "->pid", "!#1"},
    {"copyout", "scratch,int64,5", "long"},
    {"copyout", "->pid,int64,5", "!#1"},
    {"copyoutstr", "->comm,int64,5", "long"},
    {"copyoutstr", "->cred,int64,5", "!#1"},
    {"alloca", "->pid", "void *"},
    {"alloca", "->comm", "!#1"},
    {"bcopy", "->cred,scratch,5", "long"},
    {"bcopy", "->cred,scratch,->comm", "!#3"},
    {"copyinto", "int64,5,scratch", "long"},
    {"copyinto", "int64,5,->pid", "!#3"},
    {"msgdsize", "->files", "size_t"},
    {"msgdsize", "->pid", "!#1"},
    {"msgsize", "->files", "size_t"},
    {"msgsize", "->pid", "!#1"},
    {"getmajor", "->policy", "dev_t"},
    {"getmajor", "->parent", "!#1"},
    {"getminor", "->policy", "dev_t"},
    {"getminor", "->parent", "!#1"},
    {"ddi_pathname", "->files,5", "string"},
    {"ddi_pathname", "->files,->comm", "!#2"},
    {"strjoin", "->comm,string", "string"},
    {"strjoin", "string,->state", "!#2"},
    {"lltostr", "->pid", "string"},
    {"lltostr", "->comm", "!#1"},
    {"basename", "->comm", "string"},
    {"basename", "->pid", "!#1"},
    {"dirname", "->jobctl", "string"},  // an address, kept in an unsigned long
    {"dirname", "->numbers", "!#1"},
    {"cleanpath", "->comm", "string"},
    {"cleanpath", "->pid", "!#1"},
    {"strchr", "->comm,->pid", "string"},
    {"strchr", "->comm,->comm", "!#2"},
    {"strrchr", "->comm,5", "string"},
    {"strrchr", "->pid,5", "!#1"},
    {"strstr", "->comm,->comm", "string"},
    {"strstr", "->comm,->pid", "!#2"},
    {"strtok", "0,string", "string"},
    {"strtok", "string,->parent", "!#2"},
    {"substr", "->comm,->pid,->policy", "string"},
    {"substr", "->comm,->pid,->parent", "!#3"},
    {"index", "->comm,string", "int"},
    {"index", "->comm,->pid", "!#2"},
    {"rindex", "->comm,string,5", "int"},
    {"rindex", "->pid,string,5", "!#1"},
    {"htons", "->pid", "uint16_t"},
    {"htons", "->comm", "!#1"},
    {"htonl", "->pid", "uint32_t"},
    {"htonl", "->parent", "!#1"},
    {"htonll", "->stime", "uint64_t"},
    {"htonll", "->parent", "!#1"},
    {"ntohs", "->pid", "uint16_t"},
    {"ntohs", "->comm", "!#1"},
    {"ntohl", "->pid", "uint32_t"},
    {"ntohl", "->parent", "!#1"},
    {"ntohll", "->stime", "uint64_t"},
    {"ntohll", "->parent", "!#1"},
    {"inet_ntop", "->pid,&numbers", "string"},
    {"inet_ntop", "->parent,&numbers", "!#1"},
    {"inet_ntoa", "&policy", "string"},
    {"inet_ntoa", "->pid", "!#1"},
    {"inet_ntoa6", "->numbers", "string"},
    {"inet_ntoa6", "->pid", "!#1"},
    {"toupper", "->comm", "string"},
    {"toupper", "->pid", "!#1"},
    {"tolower", "->comm", "string"},
    {"tolower", "task", "!#1"},
    {"memstr", "->comm,5,5", "string"},
    {"memstr", "->comm,5,->comm", "!#3"},
    {"json", "->comm,string", "string"},
    {"json", "->pid,string", "!#1"},
    {"strtoll", "->comm", "int64_t"},
    {"strtoll", "->pid", "!#1"},
    {"d_path", "->files", "string"},
    {"d_path", "->pid", "!#1"},
    {"link_ntop", "5,->numbers", "string"},
    {"link_ntop", "->numbers,->numbers", "!#1"},
};

class RuleTable : public testing::Test {
 protected:
  RuleTable() {
    const auto file_pointer = dif::Type::unknown("struct file *");
    for (dif::Scope scope : {dif::Scope::kGlobal, dif::Scope::kThread, dif::Scope::kLocal}) {
      program.variables.push_back({"v", 0x500, scope, dif::VarKind::kScalar, file_pointer, {}, {}});
      program.variables.push_back({"s", 0x501, scope, dif::VarKind::kScalar, dif::Type::string(), {}, {}});
      program.variables.push_back({"a", 0x502, scope, dif::VarKind::kArray, file_pointer, {}, {}});
    }
  }

  TypedDifo typed(const std::string& text) {
    auto difo = dif::assemble(text);
    EXPECT_TRUE(difo.ok()) << (difo.ok() ? "" : difo.error().message) << "\n" << text;
    if (!difo.ok()) return {};
    auto result = infer(*difo, {&program, types.get(), nullptr});
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message) << "\n" << text;
    return result.ok() ? std::move(*result) : TypedDifo{};
  }

  // Of instruction `at`, whose result this is.
  std::string judged(const TypedDifo& t, uint32_t at, std::string_view mnemonic) const {
    if (!t.problems.empty()) return "!" + t.problems[0].message;
    const Lattice lattice(types.get());
    if (!t.assignments.empty()) return lattice.spell(t.assignments[0].value);
    if (mnemonic == "ret") return lattice.spell(t.result);
    if (t.flow.uses[at].result == kUndefined) return "-";
    const bool codes = mnemonic == "cmp" || mnemonic == "tst" || mnemonic == "scmp";
    if (codes) return t.of(at).is_signed ? "signed" : "unsigned";
    return lattice.spell(t.of(at));
  }

  static void expect(const std::string& found, std::string_view expected, const std::string& text) {
    if (expected.starts_with('!')) {
      EXPECT_TRUE(found.starts_with('!') && found.find(expected.substr(1)) != std::string::npos)
          << found << "\nexpected " << expected << "\n"
          << text;
    } else {
      EXPECT_EQ(found, expected) << text;
    }
  }

  std::shared_ptr<const types::TypeFile> types = sample_types();
  dif::Program program;
};

uint32_t lines_of(std::string_view text) {
  return static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(RuleTable, Instructions) {
  for (const Rule& rule : kRules) {
    std::string text = "setx 9, %r3\n";  // written, so that copys and branches have something to read
    if (!rule.first.empty()) text += input(rule.first, 1);
    if (!rule.second.empty()) text += input(rule.second, 2);
    const uint32_t at = lines_of(text);
    text += fmt::format("{} {}\n", rule.mnemonic, rule.operands);
    if (rule.mnemonic != "ret") text += "ret %r0\n";
    const TypedDifo t = typed(text);
    if (t.nodes.empty()) continue;
    expect(judged(t, at, rule.mnemonic), rule.expected, text);
  }
}

TEST_F(RuleTable, Branches) {
  for (const Branch& branch : kBranches) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"setx 5, %r1\nsetx 6, %r2\n", branch.less},
        {"setx 6, %r1\nsetx 6, %r2\n", branch.equal},
        {"setx 7, %r1\nsetx 6, %r2\n", branch.greater},
        {"ldgs 0x106, %r1\nsetx 6, %r2\n", branch.unknown},
    };
    for (const auto& [numbers, expected] : cases) {
      const std::string text = fmt::format("{}cmp %r1, %r2\n{} over\nnop\nover:\nret %r0\n", numbers, branch.mnemonic);
      const TypedDifo t = typed(text);
      // The end is always reached; the nop if the branch may be not taken, and from there only if it must be.
      ASSERT_EQ(t.flow.blocks.size(), 3u) << text;
      const bool straight = branch.mnemonic != "ba" && t.live[1];
      const bool decided = numbers.starts_with("setx") || branch.mnemonic == "ba";
      const std::string_view found = !straight ? "always" : decided ? "never" : "perhaps";
      EXPECT_EQ(found, expected) << text;
    }
  }
  // Signed and unsigned differ.
  for (const auto& [mnemonic, straight] :
       {std::pair{"bl", false}, std::pair{"blu", true}, std::pair{"bg", true}, std::pair{"bgu", false},
        std::pair{"ble", false}, std::pair{"bleu", true}, std::pair{"bge", true}, std::pair{"bgeu", false}}) {
    const TypedDifo t =
        typed(fmt::format("setx -1, %r1\nsetx 1, %r2\ncmp %r1, %r2\n{} over\nnop\nover:\nret %r0\n", mnemonic));
    ASSERT_EQ(t.live.size(), 3u);
    EXPECT_EQ(t.live[1], straight) << mnemonic;
  }
}

TEST_F(RuleTable, Subroutines) {
  for (const Call& call : kCalls) {
    const dif::SubrInfo* info = dif::find_subroutine(call.name);
    ASSERT_NE(info, nullptr) << call.name;
    std::string text = "flushts\n";
    std::string_view rest = call.arguments;
    size_t count = 0;
    for (; !rest.empty(); ++count) {
      const size_t comma = std::min(rest.find(','), rest.size());
      text += input(rest.substr(0, comma), 1);
      const bool is_text = info->parameter(count) == dif::kTextParameter;
      text += is_text ? "pushtr 1, %r0, %r1\n" : "pushtv 0, %r1\n";
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    ASSERT_TRUE(count >= info->least && count <= info->most) << call.name;
    const uint32_t at = lines_of(text);
    text += fmt::format("call {}, %r3\nret %r0\n", call.name);
    const TypedDifo t = typed(text);
    if (t.nodes.empty()) continue;
    const std::string expected =
        call.expected.starts_with('!')
            ? fmt::format("!{}( ) argument {} is incompatible with prototype:", call.name, call.expected.substr(1))
            : std::string(call.expected);
    expect(judged(t, at, "call"), expected, text);
  }
}

TEST(RuleCoverage, EveryInstruction) {
  std::set<std::string_view> tested;
  for (const Rule& rule : kRules) tested.insert(rule.mnemonic);
  for (const Branch& branch : kBranches) tested.insert(branch.mnemonic);
  for (const dif::OpInfo& info : dif::kOpInfo) {
    EXPECT_TRUE(info.mnemonic.empty() || tested.contains(info.mnemonic)) << info.mnemonic << " has no row";
  }
}

// That it takes what fits, and refuses what does not.
TEST(RuleCoverage, EverySubroutine) {
  for (const dif::SubrInfo& info : dif::kSubroutines) {
    bool fits = false, refuses = info.most == 0;
    for (const Call& call : kCalls) {
      if (call.name != info.name) continue;
      (call.expected.starts_with('!') ? refuses : fits) = true;
    }
    EXPECT_TRUE(fits) << info.name << " has no row with a result";
    EXPECT_TRUE(refuses) << info.name << " has no row with an argument that does not fit";
  }
}

}  // namespace
}  // namespace ht::typing
