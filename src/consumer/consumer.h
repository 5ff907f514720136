// Consuming a session: records and aggregation bins in, output out.
//
//   SessionReader --drain--> records --> trace, printf, printa ... --> Sink --> Stream
//        |                      '-- clear, trunc, normalize, setopt, freopen ... act here, in record order
//        '-------snapshot--> Store (merged aggregations)
//
// One thread. The programs are the linked variants of one compiled program; a record says which one it was written by.
// What a record says comes through dtraced from the engine; it is still checked, so that no record can crash the
// consumer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consumer/options.h"
#include "consumer/sink.h"
#include "consumer/store.h"
#include "consumer/stream.h"
#include "consumer/symbols.h"
#include "engine/session.h"

namespace ht::consumer {

class Consumer {
 public:
  // Faults and drops: one line of text without a prefix, for stderr.
  using Message = std::function<void(const std::string&)>;

  // Text or JSON, as the options say, is written to `stream`, which must outlive the consumer.
  Consumer(Options options, Stream& stream, Message message);
  ~Consumer();

  // In the order of RecordView::variant. Sources of one compilation: the same clauses and aggregations in each.
  void add_variant(std::shared_ptr<const dif::Program> program);
  // In the order of RecordView::probe.
  void add_probe(engine::ProbeName name);
  size_t probes() const { return probes_.size(); }
  void set_target_name(engine::TargetId target, std::string name) { targets_[target] = std::move(name); }

  // The CPUs that the session's slots are, for values of each (option aggpercpu).
  void keep_by_cpu(std::vector<uint32_t> cpus) { store_.keep_by_cpu(std::move(cpus)); }

  // Called when a record or a bin names a variant or probe that was not added yet: news of a guest that joined travels
  // beside the records. Adds what there is and returns true, or returns false if nothing more will come.
  using Refresh = std::function<bool()>;
  void set_refresh(Refresh refresh) { refresh_ = std::move(refresh); }

  // Consumes every record that is there. Takes a snapshot first if one of them acts on aggregations.
  void process(engine::SessionReader& reader);
  // Merges what the aggregations gathered since the last time.
  void snapshot(engine::SessionReader& reader);
  // Reports what was lost since the last time.
  void report_drops(engine::SessionReader& reader);
  void report_drop(const Drop& drop) { sink_->drop(drop); }
  // The aggregations that were never printed; call after the last process() and snapshot().
  void print_remaining();

  const Options& options() const { return options_; }
  // How addresses are shown; none has a name unless the host's are used.
  Symbols& symbols() { return symbols_; }

 private:
  struct ClauseInfo;
  struct Variant;
  struct Current;  // the record being consumed

  void record(engine::SessionReader& reader, const engine::RecordView& view);
  void clause_record(engine::SessionReader& reader, const engine::RecordView& view, const engine::ProbeName& probe);
  void action(Current& current, uint32_t index);
  void printa(Current& current, uint32_t index);
  void library_action(Current& current, uint32_t index);
  void set_option(Current& current, uint32_t index);
  void run_system(Current& current, const std::string& command);
  void trace_memory(Current& current, uint32_t index);
  void need_snapshot(Current& current);
  void error(const Current& current, const std::string& text);
  void bin(const engine::BinView& view);
  bool known(uint32_t variant, uint32_t probe);
  std::string target_name(engine::TargetId target) const;

  Options options_;
  Stream& stream_;
  Refresh refresh_;
  Symbols symbols_;
  std::unique_ptr<Sink> sink_;
  std::vector<std::unique_ptr<Variant>> variants_;
  std::vector<engine::ProbeName> probes_;
  std::map<engine::TargetId, std::string> targets_;
  Store store_;
  bool snapshot_taken_ = false;  // in this process()
  uint64_t last_snapshot_ = 0;   // when
  engine::Drops drops_;
};

}  // namespace ht::consumer
