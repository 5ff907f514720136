// What the engine's tests share: programs from DIF text, a guest whose memory is a map, a session that is run and read.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

#include "base/clock.h"
#include "dif/assembler.h"
#include "engine/engine.h"

namespace ht::engine::test {

class FakeClock final : public Clock {
 public:
  uint64_t monotonic_ns() override { return now_ += 1000; }
  uint64_t wall_ns() override { return wall_ += 1000; }
  uint64_t thread_ns() override { return thread_ += 1000; }
  uint64_t now_ = 1'000'000, wall_ = 5'000'000, thread_ = 3'000'000;
};

// Byte by byte; what was not put there cannot be read.
class FakeMemory final : public guest::Memory {
 public:
  void put(uint64_t address, std::string_view bytes) {
    for (char c : bytes) kernel_[address++] = c;
  }
  void put_user(uint64_t address, std::string_view bytes) {
    for (char c : bytes) user_[address++] = c;
  }
  void put_word(uint64_t address, uint64_t word) { put(address, {reinterpret_cast<const char*>(&word), sizeof word}); }
  bool read_kernel(uint64_t address, void* out, size_t size, uint64_t* fault) override {
    return read(kernel_, address, out, size, fault);
  }
  bool read_user(uint64_t pgd, uint64_t address, void* out, size_t size, uint64_t* fault) override {
    return pgd != 0 && read(user_, address, out, size, fault);
  }
  int reads = 0;

 private:
  bool read(const std::map<uint64_t, char>& bytes, uint64_t address, void* out, size_t size, uint64_t* fault) {
    ++reads;
    for (size_t i = 0; i < size; ++i) {
      const auto found = bytes.find(address + i);
      if (found == bytes.end()) {
        *fault = address + i;
        return false;
      }
      static_cast<char*>(out)[i] = found->second;
    }
    return true;
  }
  std::map<uint64_t, char> kernel_, user_;
};

inline dif::Difo code(std::string_view text, dif::Type type) {
  Result<dif::Difo> difo = dif::assemble(text);
  EXPECT_TRUE(difo.ok()) << text << "\n" << (difo.ok() ? "" : difo.error().message);
  dif::Difo result = difo.ok() ? std::move(difo).value() : dif::Difo{};
  result.rtype = std::move(type);
  return result;
}
inline dif::Type i64() {
  return dif::Type::integer(8, true, "int64_t");
}

inline dif::Action action(dif::ActionKind kind, std::vector<dif::Difo> args = {}) {
  dif::Action result;
  result.kind = kind;
  result.args = std::move(args);
  result.arg_kinds.assign(result.args.size(), dif::ActionKind::kDifexpr);
  result.arg_params.assign(result.args.size(), 0);
  return result;
}
inline dif::Action trace(std::string_view text, dif::Type type = i64()) {
  dif::Action result = action(dif::ActionKind::kDifexpr, {code(text, std::move(type))});
  result.record = true;
  return result;
}
// An expression evaluated for its effect.
inline dif::Action statement(std::string_view text) {
  return action(dif::ActionKind::kDifexpr, {code(text, dif::Type::none())});
}
inline dif::Action aggregate(dif::ActionKind function, uint32_t id, std::vector<dif::Difo> args, uint32_t keys) {
  dif::Action result = action(function, std::move(args));
  result.keys = keys;
  result.aggs = {id};
  return result;
}
inline dif::Clause clause(std::vector<dif::Action> actions) {
  dif::Clause result;
  dif::ProbeDesc any;
  any.name = "probe";
  result.probes = {any};
  result.actions = std::move(actions);
  return result;
}
inline dif::VariableDef variable(uint16_t id, dif::Scope scope, dif::Type type,
                                 dif::VarKind kind = dif::VarKind::kScalar, std::vector<dif::Type> keys = {}) {
  dif::VariableDef result;
  result.name = "v" + std::to_string(id);
  result.id = id;
  result.scope = scope;
  result.kind = kind;
  result.type = std::move(type);
  result.keys = std::move(keys);
  return result;
}

struct Record {
  RecordView view;  // without data
  std::string data;
  int64_t number(size_t offset = 0) const {
    int64_t value = 0;
    if (data.size() >= offset + 8) std::memcpy(&value, data.data() + offset, 8);
    return value;
  }
  std::string text(size_t offset = 0) const { return data.c_str() + std::min(offset, data.size()); }
};
struct Bin {
  uint32_t aggregation;
  std::string keys;
  std::vector<int64_t> values;
};

inline std::unique_ptr<SessionReader> open_reader(const Session& session) {
  auto reader = SessionReader::open(UniqueFd(fcntl(session.data_fd(), F_DUPFD_CLOEXEC, 0)),
                                    UniqueFd(fcntl(session.control_fd(), F_DUPFD_CLOEXEC, 0)));
  EXPECT_TRUE(reader.ok()) << (reader.ok() ? "" : reader.error().message);
  return reader.ok() ? std::move(reader).value() : nullptr;
}
inline std::vector<Record> drain(SessionReader& reader, SessionReader::Order order = SessionReader::Order::kTime) {
  std::vector<Record> records;
  reader.drain(
      [&](const RecordView& view) {
        Record record{view, std::string(view.data.begin(), view.data.end())};
        record.view.data = {};
        records.push_back(std::move(record));
      },
      order);
  return records;
}
inline std::vector<Bin> snapshot(SessionReader& reader) {
  std::vector<Bin> bins;
  reader.snapshot([&](const BinView& view) {
    bins.push_back({view.aggregation, std::string(view.keys.begin(), view.keys.end()),
                    std::vector<int64_t>(view.values, view.values + view.value_words)});
  });
  return bins;
}

inline constexpr uint32_t kProbe = 7;  // of every guest

// One session in an engine with two slots. Clause n is enabled on probe kProbe of the targets given to start().
class Harness {
 public:
  explicit Harness(SessionConfig config = {}) : engine(Engine::create(2, clock)) { open(config); }
  explicit Harness(Harness& other, SessionConfig config = {}) : shared_(other.engine.get()) { open(config); }

  Engine& engine_ref() { return shared_ != nullptr ? *shared_ : *engine; }

  void add(dif::Clause clause) { program.clauses.push_back(std::move(clause)); }
  // On `probe` of the host instead.
  void add_host(uint32_t probe, const std::string& name, dif::Clause clause) {
    host_.push_back({static_cast<uint32_t>(program.clauses.size()), probe, name});
    add(std::move(clause));
  }
  bool enable(std::vector<TargetId> targets = {1}) {
    program.linked = true;
    auto variant = session->add_variant(std::make_shared<dif::Program>(program));
    EXPECT_TRUE(variant.ok()) << (variant.ok() ? "" : variant.error().message);
    if (!variant.ok()) return false;
    for (uint32_t index = 0; index < program.clauses.size(); ++index) {
      bool on_host = false;
      for (const HostClause& host : host_) {
        if (host.clause != index) continue;
        session->enable(kHost, host.probe, {host.probe, "dtrace", "", "", host.name}, variant.value(), index);
        on_host = true;
      }
      if (on_host) continue;
      for (TargetId target : targets) {
        session->enable(target, kProbe, {100, "syscall", "vmlinux", "read", "entry"}, variant.value(), index);
      }
    }
    engine_ref().publish(session);
    reader = open_reader(*session);
    return true;
  }
  void start(std::vector<TargetId> targets = {1}) {
    if (enable(std::move(targets))) {
      EXPECT_TRUE(session->start().ok());
    }
  }
  Firing firing(TargetId target = 1) {
    Firing result;
    result.target = target;
    result.probe = kProbe;
    result.pid = 42;
    result.tid = 43;
    result.ppid = 41;
    result.uid = 1000;
    result.gid = 1001;
    result.cpu = 3;
    result.task = 0xffff888000001000;
    result.pgd = 0xffff888000002000;
    result.error = 2;
    std::strncpy(result.comm.data(), "worker", result.comm.size() - 1);
    result.args = {10, 11, 12, 13, 14, 15, 16, 17, 18, static_cast<uint64_t>(-19)};
    result.memory = &memory;
    return result;
  }
  void fire(TargetId target = 1) { engine_ref().fire(1, firing(target)); }
  std::vector<Record> records() { return drain(*reader); }

  FakeClock clock;
  FakeMemory memory;
  std::unique_ptr<Engine> engine;
  std::shared_ptr<Session> session;
  std::unique_ptr<SessionReader> reader;
  dif::Program program;

 private:
  struct HostClause {
    uint32_t clause;
    uint32_t probe;
    std::string name;
  };
  void open(const SessionConfig& config) {
    auto made = engine_ref().create_session(config);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
    if (made.ok()) session = std::move(made).value();
  }
  Engine* shared_ = nullptr;
  std::vector<HostClause> host_;
};

// The one record of a clause that traces `text`, fired once.
inline Record evaluate(std::string_view text, dif::Type type, FakeMemory memory = {}) {
  Harness harness;
  harness.memory = std::move(memory);
  harness.add(clause({trace(text, std::move(type))}));
  harness.start();
  harness.fire();
  std::vector<Record> records = harness.records();
  EXPECT_EQ(records.size(), 1u) << text;
  return records.empty() ? Record{} : records[0];
}

}  // namespace ht::engine::test
