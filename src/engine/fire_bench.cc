// What one firing costs in the engine, by what the program does.
#include <benchmark/benchmark.h>

#include "dif/assembler.h"
#include "engine/engine.h"

namespace ht::engine {
namespace {

dif::Difo code(std::string_view text, dif::Type type) {
  auto difo = dif::assemble(text);
  difo.value().rtype = std::move(type);
  return std::move(difo).value();
}
dif::Type i64() {
  return dif::Type::integer(8, true, "int64_t");
}

dif::Action action(dif::ActionKind kind, std::vector<dif::Difo> args) {
  dif::Action result;
  result.kind = kind;
  result.args = std::move(args);
  result.arg_kinds.assign(result.args.size(), dif::ActionKind::kDifexpr);
  result.arg_params.assign(result.args.size(), 0);
  return result;
}

// A session with one clause on probe 1 of target 1.
class Fixture {
 public:
  explicit Fixture(dif::Program program) : engine_(Engine::create(2, system_clock())) {
    program.linked = true;
    session_ = engine_->create_session({}).value();
    session_->add_variant(std::make_shared<dif::Program>(std::move(program))).value();
    session_->enable(1, 1, {1, "syscall", "vmlinux", "read", "entry"}, 0, 0);
    engine_->set_target_name(1, "vm1");
    engine_->publish(session_);
    (void)session_->start();
    firing_.target = 1;
    firing_.probe = 1;
    firing_.task = 0xffff888000001000;
    firing_.comm = {"worker"};
  }
  void run(benchmark::State& state) {
    for (auto _ : state) {
      firing_.args[0] = (firing_.args[0] + 1) & 1023;
      engine_->fire(1, firing_);
    }
  }

 private:
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<Session> session_;
  Firing firing_;
};

dif::Program program_of(std::vector<dif::Action> actions) {
  dif::Program program;
  dif::Clause clause;
  clause.probes.emplace_back();
  clause.actions = std::move(actions);
  program.clauses.push_back(std::move(clause));
  return program;
}

// @[vmname, execname] = count()
void BM_CountByNames(benchmark::State& state) {
  dif::Action count = action(dif::ActionKind::kCount, {code("ldgs 0x300, %r1\nret %r1", dif::Type::string()),
                                                       code("ldgs 0x118, %r1\nret %r1", dif::Type::string())});
  count.keys = 2;
  count.aggs = {1};
  dif::Program program = program_of({std::move(count)});
  program.aggregations.push_back({"", 1, dif::ActionKind::kCount, 0, {dif::Type::string(), dif::Type::string()}});
  Fixture(std::move(program)).run(state);
}
BENCHMARK(BM_CountByNames);

// @ = quantize(arg0)
void BM_Quantize(benchmark::State& state) {
  dif::Action quantize = action(dif::ActionKind::kQuantize, {code("ldgs 0x106, %r1\nret %r1", i64())});
  quantize.aggs = {1};
  dif::Program program = program_of({std::move(quantize)});
  program.aggregations.push_back({"", 1, dif::ActionKind::kQuantize, 0, {}});
  Fixture(std::move(program)).run(state);
}
BENCHMARK(BM_Quantize);

// self->t = timestamp
void BM_ThreadLocal(benchmark::State& state) {
  dif::Program program = program_of(
      {action(dif::ActionKind::kDifexpr, {code("ldgs 0x101, %r1\nstts %r1, 0x500\nret %r0", dif::Type::none())})});
  dif::VariableDef variable;
  variable.name = "t";
  variable.id = 0x500;
  variable.scope = dif::Scope::kThread;
  variable.type = dif::Type::integer(8, false, "uint64_t");
  program.variables.push_back(variable);
  Fixture(std::move(program)).run(state);
}
BENCHMARK(BM_ThreadLocal);

// A probe that nobody has enabled.
void BM_Disabled(benchmark::State& state) {
  const auto engine = Engine::create(2, system_clock());
  const Firing firing{.target = 1, .probe = 1};
  for (auto _ : state) engine->fire(1, firing);
}
BENCHMARK(BM_Disabled);

}  // namespace
}  // namespace ht::engine

BENCHMARK_MAIN();
