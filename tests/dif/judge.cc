// The verifier and the interpreter as judges of the cases. Both see the case as the only action of a program with one
// clause; the interpreter's fires once on guest 1, whose memory is what the case says.
#include "judge.h"

#include <fmt/format.h>

#include "allocations.h"
#include "dif/verify.h"
#include "engine/test_support.h"

namespace ht::dif::cases {
namespace {

using Kind = Expectation::Kind;

constexpr std::string_view kBranches[] = {"be", "bne", "bg", "bgu", "bge", "bgeu", "bl", "blu", "ble", "bleu"};

Program program_of(const Case& c, Difo difo) {
  Program program;
  program.variables = c.variables;
  program.options = c.options;
  program.linked = true;
  Action action = engine::test::action(ActionKind::kDifexpr, {std::move(difo)});
  action.record = !c.type.is_void();
  program.clauses = {engine::test::clause({action})};
  return program;
}

// Every text that the case stands for.
Result<std::vector<Difo>> texts(const Case& c, uint32_t* prologue) {
  std::vector<Difo> result;
  if (c.expected.kind != Kind::kTaken) {
    ASSIGN_OR_RETURN(Difo difo, assemble_case(c, prologue));
    result.push_back(std::move(difo));
    return result;
  }
  for (std::string_view branch : kBranches) {
    ASSIGN_OR_RETURN(Difo difo, assemble_branch(c, std::string(branch)));
    result.push_back(std::move(difo));
  }
  return result;
}

std::string verifier(const Case& c) {
  constexpr std::string_view kWhere = "clause 0 action 0 argument 0: ";
  uint32_t prologue = 0;
  const Result<std::vector<Difo>> made = texts(c, &prologue);
  if (!made.ok()) return made.error().message;
  for (const Difo& difo : made.value()) {
    const Result<void> verdict = verify(program_of(c, difo), Stage::kLinked);
    if (c.expected.kind != Kind::kRefused) {
      if (!verdict.ok()) return "refused: " + verdict.error().message;
      continue;
    }
    if (verdict.ok()) return "accepted";
    std::string_view message = verdict.error().message;
    if (message.starts_with(kWhere)) message.remove_prefix(kWhere.size());
    if (message != c.expected.text) return fmt::format("refused otherwise: {}", message);
  }
  return {};
}

// `allocated`: whether the firing took memory, which it never may.
engine::test::Record run_once(const Case& c, const Difo& difo, bool* allocated) {
  Program program = program_of(c, difo);
  Result<engine::SessionConfig> config = engine::session_config(program);
  if (!config.ok()) return {};
  config.value().bufsize = 128 << 10;
  config.value().aggsize = 4 << 10;
  engine::test::Harness harness(config.value());
  for (const MemoryBytes& bytes : c.memory) {
    if (bytes.user) {
      harness.memory.put_user(bytes.address, bytes.bytes);
    } else {
      harness.memory.put(bytes.address, bytes.bytes);
    }
  }
  harness.program = std::move(program);
  harness.start();
  const engine::Firing firing = harness.firing();
  const uint64_t before = allocations();
  harness.engine->fire(1, firing);
  *allocated = allocations() != before;
  std::vector<engine::test::Record> records = harness.records();
  return records.size() == 1 ? std::move(records[0]) : engine::test::Record{};
}

std::string outcome(const Case& c, const engine::test::Record& record) {
  if (record.view.kind == engine::RecordView::Kind::kFault) {
    return fmt::format("fault {} ({:#x}) at {}", fault_text(record.view.fault), record.view.fault_address,
                       record.view.fault_offset / static_cast<int32_t>(sizeof(Instr)));
  }
  if (c.type.kind == TypeKind::kString) return fmt::format("\"{}\"", record.text());
  return fmt::format("{:#x}", static_cast<uint64_t>(record.number()));
}

bool as_expected(const Case& c, const engine::test::Record& record, uint32_t prologue) {
  const Expectation& e = c.expected;
  const bool faulted = record.view.kind == engine::RecordView::Kind::kFault;
  if (e.kind == Kind::kFault) {
    const auto at = static_cast<int64_t>((prologue + e.at.value_or(0)) * sizeof(Instr));
    return faulted && record.view.fault == e.fault && (!e.address || record.view.fault_address == *e.address) &&
           (!e.at || record.view.fault_offset == at);
  }
  if (faulted) return false;
  if (e.kind == Kind::kText) return !record.data.empty() && record.text() == e.text;
  uint64_t value = 0;
  std::memcpy(&value, record.data.data(), std::min(record.data.size(), sizeof value));
  return !record.data.empty() && value == e.number;
}

std::string interpreter(const Case& c) {
  uint32_t prologue = 0;
  const Result<std::vector<Difo>> made = texts(c, &prologue);
  if (!made.ok()) return made.error().message;
  if (c.expected.kind == Kind::kRefused) {
    engine::test::Harness harness;
    const auto program = std::make_shared<Program>(program_of(c, made.value()[0]));
    return harness.session->add_variant(program).ok() ? "the engine takes it" : "";
  }
  if (c.expected.kind != Kind::kTaken) {
    bool allocated = false;
    const engine::test::Record record = run_once(c, made.value()[0], &allocated);
    if (allocated) return "allocates memory";
    return as_expected(c, record, prologue) ? "" : outcome(c, record);
  }
  std::string taken, expected;
  for (size_t i = 0; i < std::size(kBranches); ++i) {
    bool allocated = false;
    const engine::test::Record record = run_once(c, made.value()[i], &allocated);
    if (allocated) return "allocates memory";
    if (record.view.kind == engine::RecordView::Kind::kFault) return outcome(c, record);
    if (record.number() != 0) taken += fmt::format(" {}", kBranches[i]);
    const bool listed =
        std::find(c.expected.taken.begin(), c.expected.taken.end(), kBranches[i]) != c.expected.taken.end();
    if (listed) expected += fmt::format(" {}", kBranches[i]);
  }
  return taken == expected ? "" : "taken" + taken;
}

constexpr Judge kJudges[] = {{"verifier", verifier}, {"interpreter", interpreter}};

}  // namespace

std::span<const Judge> judges() {
  return kJudges;
}

}  // namespace ht::dif::cases
