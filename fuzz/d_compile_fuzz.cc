// The whole way of a program: compile, verify, write as an object, read back, link, run BEGIN and END in the engine.
// Whatever compiles must be fine for all that follows. The engine's clauses end by themselves (DIF has no loops), so a
// run is bounded; timers are not enabled and destructive programs not run.
//
// The first byte chooses as in d_parser. Seeds are the cases of tests/d (fuzz/run adds them).
#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/clock.h"
#include "d/compile.h"
#include "dif/assembler.h"
#include "dif/layout.h"
#include "dif/verify.h"
#include "engine/engine.h"
#include "link/link.h"
#include "object/elf.h"

namespace {

using namespace ht;

void check(bool holds) {
  if (!holds) std::abort();
}

void round_trip(const dif::Program& program) {
  const Bytes object = object::write(program);
  if (object.size() > object::kMaxObjectBytes) return;
  const Result<dif::Program> back = object::read(object);
  check(back.ok());
  check(*back == program);
  check(object::write(*back) == object);
}

UniqueFd duplicate(int fd) {
  return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

// BEGIN and END, as `dtrace` without -E does it.
void run(dif::Program program) {
  engine::SessionConfig config;
  config.bufsize = config.aggsize = config.dynvarsize = config.specsize = 64 << 10;
  if (program.options.contains("strsize")) {
    const Result<engine::SessionConfig> wanted = engine::session_config(program);
    if (!wanted.ok() || wanted->strsize > 4096) return;
    config.strsize = wanted->strsize;
  }
  const auto engine = engine::Engine::create(1, system_clock());
  const auto session = engine->create_session(config);
  if (!session.ok()) return;
  const auto shared = std::make_shared<const dif::Program>(std::move(program));
  const auto variant = (*session)->add_variant(shared);
  if (!variant.ok()) return;
  for (uint32_t clause = 0; clause < shared->clauses.size(); ++clause) {
    for (const dif::ProbeDesc& desc : shared->clauses[clause].probes) {
      for (const engine::HostProbe& probe : engine::match_host_probes(desc)) {
        if (probe.probe >= engine::HostProbe::kFirstTimer) continue;
        (*session)->enable(engine::kHost, probe.probe, probe.name, *variant, clause);
      }
    }
  }
  engine->publish(*session);
  auto reader = engine::SessionReader::open(duplicate((*session)->data_fd()), duplicate((*session)->control_fd()));
  check(reader.ok());
  if (!(*session)->start().ok()) return;
  (*session)->stop();
  (*reader)->drain([&](const engine::RecordView& record) {
    check(record.clause < shared->clauses.size());
    if (record.kind == engine::RecordView::Kind::kFault) return;
    const dif::RecordLayout layout = dif::record_layout(shared->clauses[record.clause], config.strsize);
    check(record.data.size() >= layout.size);
  });
  (*reader)->snapshot([](const engine::BinView&) {});
  engine->remove(*session);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t mode = data[0];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  d::CompileOptions options;
  options.hypertrace = (mode & 1) != 0;
  options.defaultargs = (mode & 2) != 0;
  options.macro_arguments = {"fuzz.d", "42", "execname", "some text"};
  options.argref = true;
  options.macro_values = {{"pid", 1}, {"target", 2}};
  const bool is_file = (mode & 4) != 0;
  const d::CompileResult result = d::compile({{"fuzz.d", text, is_file, d::DescContext::kName}}, options);
  for (const d::CompileError& error : result.errors) {
    // A program that compiles but does not verify, or an internal error, is a bug even though nothing crashes.
    check(!error.error.message.starts_with("internal error") && !error.error.message.starts_with("instruction "));
  }
  if (!result.ok()) return 0;
  check(dif::verify(result.program, dif::Stage::kCompiled).ok());
  (void)dif::disassemble(result.program);
  round_trip(result.program);
  if (link::needs_types(result.program)) return 0;
  link::LinkResult linked = link::link(result.program, nullptr, {"host", "1.0"});
  if (!linked.ok()) return 0;
  check(dif::verify(linked.program, dif::Stage::kLinked).ok());
  round_trip(linked.program);
  if (!linked.program.destructive) run(std::move(linked.program));
  return 0;
}
