// For tests: programs built by hand and a session whose records and bins are what the test puts there.
#pragma once

#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "consumer/consumer.h"
#include "engine/session.h"

namespace ht::consumer {

inline dif::Difo difo(dif::Type type) {
  dif::Difo result;
  result.rtype = std::move(type);
  return result;
}

inline dif::Type int_type(uint32_t size = 4, bool is_signed = true) {
  return dif::Type::integer(size, is_signed, "integer");
}

// An action whose arguments have these types.
inline dif::Action act(dif::ActionKind kind, const std::vector<dif::Type>& types = {}) {
  dif::Action action;
  action.kind = kind;
  for (const dif::Type& type : types) {
    action.args.push_back(difo(type));
    action.arg_kinds.push_back(dif::ActionKind::kDifexpr);
    action.arg_params.push_back(0);
  }
  return action;
}
inline dif::Action trace_of(const dif::Type& type) {
  dif::Action action = act(dif::ActionKind::kDifexpr, {type});
  action.record = true;
  return action;
}
inline dif::Action printf_of(const std::string& format, const std::vector<dif::Type>& types) {
  dif::Action action = act(dif::ActionKind::kPrintf, types);
  action.format = format;
  action.has_format = true;
  return action;
}
inline dif::Action printa_of(const std::vector<uint32_t>& aggs, const std::string& format = {}) {
  dif::Action action = act(dif::ActionKind::kPrinta);
  action.aggs = aggs;
  action.format = format;
  action.has_format = !format.empty();
  return action;
}
inline dif::Action libact_of(dif::Libact libact, const std::vector<uint32_t>& aggs,
                             const std::vector<dif::Type>& types = {}) {
  dif::Action action = act(dif::ActionKind::kLibact, types);
  action.libact = libact;
  action.aggs = aggs;
  return action;
}
inline dif::Action aggregate_of(dif::ActionKind function, uint32_t id, const std::vector<dif::Type>& keys) {
  dif::Action action = act(function, keys);
  action.keys = static_cast<uint32_t>(keys.size());
  action.aggs = {id};
  return action;
}

// Values of a record or of keys, packed by the layout: integers and strings in order.
struct Packed {
  std::vector<std::variant<int64_t, std::string>> values;
  Bytes pack(const std::vector<dif::Field>& fields, uint32_t size) const {
    Bytes bytes(size);
    for (size_t i = 0; i < fields.size() && i < values.size(); ++i) {
      if (const auto* number = std::get_if<int64_t>(&values[i])) {
        std::memcpy(bytes.data() + fields[i].offset, number, std::min<size_t>(8, fields[i].size));
      } else {
        const std::string& text = std::get<std::string>(values[i]);
        std::memcpy(bytes.data() + fields[i].offset, text.data(), std::min<size_t>(text.size(), fields[i].size));
      }
    }
    return bytes;
  }
};

class FakeSession final : public engine::SessionReader {
 public:
  engine::SessionState state() const override { return engine::SessionState::kStopped; }
  int32_t exit_status() const override { return 0; }
  bool exited() const override { return false; }
  void drain(const std::function<void(const engine::RecordView&)>& record, Order) override {
    for (Stored& stored : std::exchange(records_, {})) {
      stored.view.data = stored.data;
      record(stored.view);
    }
  }
  void snapshot(const std::function<void(const engine::BinView&)>& bin) override {
    for (Bin& stored : std::exchange(bins_, {})) {
      stored.view.keys = stored.keys;
      stored.view.values = stored.values.data();
      stored.view.value_words = static_cast<uint32_t>(stored.values.size());
      bin(stored.view);
    }
  }
  engine::Drops drops() const override { return drops_; }

  void add(engine::RecordView view, Bytes data) { records_.push_back({view, std::move(data)}); }
  void add_bin(engine::BinView view, Bytes keys, std::vector<uint64_t> values) {
    bins_.push_back({view, std::move(keys), std::move(values)});
  }
  engine::Drops drops_;

 private:
  struct Stored {
    engine::RecordView view;
    Bytes data;
  };
  struct Bin {
    engine::BinView view;
    Bytes keys;
    std::vector<uint64_t> values;
  };
  std::deque<Stored> records_;
  std::deque<Bin> bins_;
};

// A consumer over a fake session, and what it prints.
class Scene {
 public:
  explicit Scene(dif::Program program, Options options = {})
      : program_(std::make_shared<const dif::Program>(std::move(program))), options_(options) {
    consumer_ =
        std::make_unique<Consumer>(options, stream_, [this](const std::string& text) { messages_ += text + "\n"; });
    consumer_->add_variant(program_);
    consumer_->add_probe({1, "dtrace", "", "", "BEGIN"});
    consumer_->add_probe({17, "syscall", "vmlinux", "read", "entry"});
    consumer_->add_probe({18, "syscall", "vmlinux", "read", "return"});
    consumer_->set_target_name(1, "vm1");
  }

  void fire(uint32_t clause, const Packed& values = {}, uint32_t probe = 0, engine::TargetId target = 0,
            uint32_t cpu = 0, const std::vector<uint8_t>& presence = {}) {
    const dif::RecordLayout layout = dif::record_layout(program_->clauses[clause], options_.strsize);
    Bytes data = values.pack(layout.fields, layout.size);
    std::copy(presence.begin(), presence.end(), data.begin());
    engine::RecordView view;
    view.clause = clause;
    view.probe = probe;
    view.target = target;
    view.cpu = cpu;
    session_.add(view, std::move(data));
  }
  void aggregate(uint32_t clause, uint32_t action, const Packed& keys, std::vector<uint64_t> values,
                 uint32_t slot = 0) {
    const dif::Action& made = program_->clauses[clause].actions[action];
    const dif::AggregationDef* def = program_->aggregation(made.aggs[0]);
    const dif::AggregationLayout layout = dif::aggregation_layout(made, *def, options_.strsize);
    engine::BinView view;
    view.aggregation = def->id;
    view.clause = clause;
    view.action = action;
    view.slot = slot;
    session_.add_bin(view, keys.pack(layout.keys, layout.key_size), std::move(values));
  }
  // What was printed since the last time.
  std::string printed() {
    consumer_->process(session_);
    const std::string text = stream_.text();
    stream_.truncate();
    return text;
  }
  std::string remaining() {
    consumer_->process(session_);
    consumer_->snapshot(session_);
    stream_.truncate();
    consumer_->print_remaining();
    const std::string text = stream_.text();
    stream_.truncate();
    EXPECT_EQ(text.substr(0, 1), "\n") << "what comes last is set off";
    return text.empty() ? text : text.substr(1);
  }
  FakeSession& session() { return session_; }
  Consumer& consumer() { return *consumer_; }
  std::string messages() { return std::exchange(messages_, {}); }

 private:
  std::shared_ptr<const dif::Program> program_;
  Options options_;
  StringStream stream_;
  std::string messages_;
  FakeSession session_;
  std::unique_ptr<Consumer> consumer_;
};

// A program of one clause per list of actions.
inline dif::Program program_of(const std::vector<std::vector<dif::Action>>& clauses,
                               const std::vector<dif::AggregationDef>& aggregations = {}) {
  dif::Program program;
  for (const auto& actions : clauses) {
    dif::Clause clause;
    clause.actions = actions;
    program.clauses.push_back(clause);
  }
  program.aggregations = aggregations;
  program.linked = true;
  return program;
}

}  // namespace ht::consumer
