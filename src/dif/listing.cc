// Programs as text.
#include "dif/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "dif/assembler.h"
#include "dif/walk.h"

namespace ht::dif {
namespace {

struct ActionName {
  ActionKind kind;
  std::string_view name;
};
constexpr ActionName kActionNames[] = {
    {ActionKind::kDifexpr, "expression"},
    {ActionKind::kExit, "exit"},
    {ActionKind::kPrintf, "printf"},
    {ActionKind::kPrinta, "printa"},
    {ActionKind::kLibact, "library"},
    {ActionKind::kTracemem, "tracemem"},
    {ActionKind::kPrint, "print"},
    {ActionKind::kUstack, "ustack"},
    {ActionKind::kJstack, "jstack"},
    {ActionKind::kUsym, "usym"},
    {ActionKind::kUmod, "umod"},
    {ActionKind::kUaddr, "uaddr"},
    {ActionKind::kStop, "stop"},
    {ActionKind::kRaise, "raise"},
    {ActionKind::kSystem, "system"},
    {ActionKind::kFreopen, "freopen"},
    {ActionKind::kStack, "stack"},
    {ActionKind::kSym, "sym"},
    {ActionKind::kMod, "mod"},
    {ActionKind::kBreakpoint, "breakpoint"},
    {ActionKind::kPanic, "panic"},
    {ActionKind::kChill, "chill"},
    {ActionKind::kSpeculate, "speculate"},
    {ActionKind::kCommit, "commit"},
    {ActionKind::kDiscard, "discard"},
    {ActionKind::kCount, "count"},
    {ActionKind::kMin, "min"},
    {ActionKind::kMax, "max"},
    {ActionKind::kAvg, "avg"},
    {ActionKind::kSum, "sum"},
    {ActionKind::kStddev, "stddev"},
    {ActionKind::kQuantize, "quantize"},
    {ActionKind::kLquantize, "lquantize"},
    {ActionKind::kLlquantize, "llquantize"},
    {ActionKind::kBranchFalse, "if"},
    {ActionKind::kJump, "else"},
};

constexpr std::string_view kLibactNames[] = {"clear", "trunc", "normalize", "denormalize", "setopt", "ftruncate"};

// For a terminal: what is not plain text is escaped, and nothing is longer than a line needs.
std::string shown(std::string_view text) {
  constexpr size_t kMost = 200;
  std::string result;
  for (const char c : text.substr(0, kMost)) {
    if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (c >= ' ' && c <= '~') {
      result += c;
    } else {
      result += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return text.size() > kMost ? result + "..." : result;
}

std::string type_name(const Type& type) {
  if (type.kind == TypeKind::kUnknown) {
    return type.name.empty() ? std::string("(of the kernel)") : fmt::format("{} (of the kernel)", shown(type.name));
  }
  if (type.kind == TypeKind::kString) return "string";
  std::string text = type.name.empty() ? std::string("void") : shown(type.name);
  if ((type.flags & Type::kByUserRef) != 0) text += fmt::format(" ({} bytes in user memory)", type.size);
  if (type.by_ref()) text += fmt::format(" ({} bytes by reference)", type.size);
  return text;
}

std::string type_names(const std::vector<Type>& types) {
  std::string text;
  for (const Type& type : types) text += fmt::format("{}{}", text.empty() ? "" : ", ", type_name(type));
  return text;
}

std::string place_of(const SourcePos& pos) {
  return pos.known() ? fmt::format("{}line {}", pos.file.empty() ? "" : fmt::format("{} ", shown(pos.file)), pos.line)
                     : std::string();
}

// "%r1, %r2      ! note" with its blanks as one.
std::string squeezed(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '\t') c = ' ';
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  }
  return result;
}

class Lister {
 public:
  explicit Lister(const Program& program) : program_(program) {}

  std::string run() {
    head();
    variables();
    aggregations();
    for (size_t c = 0; c < program_.clauses.size(); ++c) clause(c);
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_ += fmt::format(format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  void head() {
    std::string state = "not linked";
    if (program_.linked) state = "linked";
    if (!program_.kernel.empty()) state += fmt::format(" for kernel {}", shown(program_.kernel));
    if (!program_.types_hash.empty()) state += fmt::format(" (types {})", shown(program_.types_hash));
    line("program: {} clauses, {}{}", program_.clauses.size(), state, program_.destructive ? ", destructive" : "");
    for (const Source& source : program_.sources) {
      line("{}: {}", source.is_file ? "script" : "text", shown(source.name));
      line("  sha256 {}", shown(source.sha256));
    }
    for (const auto& [name, value] : program_.options) {
      line("option: {}{}{}", shown(name), value.empty() ? "" : "=", shown(value));
    }
  }

  void variables() {
    static constexpr std::string_view kPrefixes[] = {"", "self->", "this->"};
    for (const VariableDef& def : program_.variables) {
      const size_t scope = static_cast<size_t>(def.scope);
      line("variable {}: {}{}{}: {}", def.id, scope < std::size(kPrefixes) ? kPrefixes[scope] : "", shown(def.name),
           def.keys.empty() ? "" : fmt::format("[{}]", type_names(def.keys)), type_name(def.type));
    }
  }

  void aggregations() {
    for (const AggregationDef& def : program_.aggregations) {
      line("aggregation {}: @{}{}: {}", def.id, shown(def.name),
           def.keys.empty() ? "" : fmt::format("[{}]", type_names(def.keys)), action_name(def.function));
    }
  }

  void clause(size_t index) {
    const Clause& clause = program_.clauses[index];
    const std::string place = place_of(clause.pos);
    line("\nclause {}{}{}", index + 1, place.empty() ? "" : ": ", place);
    for (const ProbeDesc& probe : clause.probes) {
      line("  probe {}", probe.id != 0 ? fmt::format("{}", probe.id) : shown(probe.text()));
    }
    if (clause.predicate) code("predicate", *clause.predicate);
    for (size_t a = 0; a < clause.actions.size(); ++a) action(a, clause.actions[a]);
  }

  void action(size_t index, const Action& action) {
    std::string what(action_name(action.kind));
    if (action.kind == ActionKind::kDifexpr && action.record) what = "trace";
    if (action.kind == ActionKind::kLibact) {
      const size_t libact = static_cast<size_t>(action.libact);
      what = libact < std::size(kLibactNames) ? kLibactNames[libact] : "library action";
    }
    for (uint32_t id : action.aggs) {
      const AggregationDef* def = program_.aggregation(id);
      what += fmt::format(" @{}", def != nullptr ? shown(def->name) : fmt::format("({})", id));
    }
    if (action.has_format) what += fmt::format(" \"{}\"", shown(action.format));
    if (action.kind == ActionKind::kBranchFalse) what = fmt::format("if, otherwise action {}", action.target + 1);
    if (action.kind == ActionKind::kJump) what = fmt::format("go on at action {}", action.target + 1);
    line("  action {}: {}", index + 1, what);
    for (size_t i = 0; i < action.args.size(); ++i) {
      const bool key = i < action.keys;
      const std::string title = fmt::format("{} {}", key ? "key" : "argument", key ? i + 1 : i - action.keys + 1);
      const ActionKind kind = i < action.arg_kinds.size() ? action.arg_kinds[i] : ActionKind::kDifexpr;
      if (action.args[i].text.empty()) {
        line("    {}: {}()", title, action_name(kind));
      } else {
        code("  " + title + (kind == ActionKind::kDifexpr ? "" : fmt::format(": {}()", action_name(kind))),
             action.args[i]);
      }
    }
  }

  void code(const std::string& title, const Difo& difo) {
    line("  {}: {}", title, type_name(difo.rtype));
    size_t next = 0;
    for (size_t pc = 0; pc < difo.text.size(); ++pc) {
      std::string place;
      for (; next < difo.lines.size() && difo.lines[next].index <= pc; ++next) {
        place = fmt::format("{}:{}", difo.lines[next].line, difo.lines[next].column);
      }
      line("    {:>8}  {:02}: {:08x}  {}", place, pc, difo.text[pc],
           squeezed(disassemble_instruction(difo.text[pc], difo, &program_)));
    }
  }

  const Program& program_;
  std::string out_;
};

}  // namespace

std::string_view action_name(ActionKind kind) {
  const auto* found = std::find_if(std::begin(kActionNames), std::end(kActionNames),
                                   [&](const ActionName& row) { return row.kind == kind; });
  return found == std::end(kActionNames) ? "action" : found->name;
}

std::string DifoPlace::text() const {
  if (action == 0) return fmt::format("clause {} predicate", clause);
  return fmt::format("clause {} action {} argument {} ({})", clause, action, argument, action_name(kind));
}

std::string list_program(const Program& program) {
  return Lister(program).run();
}

}  // namespace ht::dif
