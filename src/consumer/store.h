// The consumer's own hash of all aggregations: what snapshots delivered, merged over slots, variants and time. The
// actions that work on the data gathered so far (clear, trunc, normalize) work on it.
//
// A bin is identified by aggregation and keys; keys that two kernels' programs size differently are different keys.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "consumer/aggregation.h"
#include "consumer/datum.h"
#include "consumer/options.h"

namespace ht::consumer {

// Who made a bin: the layout that its keys are printed by, kept alive with it.
using KeyLayout = std::shared_ptr<const dif::AggregationLayout>;

// One line of output: a key tuple and the values of one or (joined) several aggregations under it.
struct Row {
  std::vector<Datum> keys;
  std::vector<Tally> tallies;
};

class Store {
 public:
  // With this, values are also kept by the CPU that contributed them (option aggpercpu).
  void keep_by_cpu(std::vector<uint32_t> cpus) { cpus_ = std::move(cpus); }
  // `slot`: an index into those CPUs.
  void merge(const dif::AggregationDef& def, const KeyLayout& layout, ByteView keys, std::span<const uint64_t> values,
             uint32_t slot);

  // printa(@a) and printa(@a, @b, ...): sorted, joined on the keys. Valid until the store changes.
  std::vector<Row> rows(const std::vector<uint32_t>& aggregations, const Options& options);
  // Every aggregation not yet printed, in the order of the end of the run. Marks nothing.
  std::vector<Row> unprinted_rows(const Options& options);
  void mark_printed(uint32_t aggregation) { states_[aggregation].printed = true; }

  void clear(uint32_t aggregation);
  void truncate(uint32_t aggregation, int64_t keep);  // the largest; negative: the smallest; 0: none
  void normalize(uint32_t aggregation, int64_t normal) { states_[aggregation].normal = normal; }

  bool empty() const { return bins_.empty(); }

 private:
  struct Bin {
    dif::AggregationDef def;  // without keys
    KeyLayout layout;
    Bytes keys;
    std::vector<uint64_t> words;
    std::map<uint32_t, std::vector<uint64_t>> cpus;
    std::string tuple;  // the keys' sizes and bytes: equal for bins that join
  };
  struct State {
    int64_t normal = 1;
    bool printed = false;
  };

  Tally tally(const Bin& bin, BarStyle bars) const;
  static std::vector<Datum> data(const Bin& bin);

  std::vector<uint32_t> cpus_;
  std::unordered_map<std::string, Bin> bins_;
  std::map<uint32_t, State> states_;
};

// <0, 0, >0, starting with key `first` and wrapping around.
int compare_keys(const std::vector<Datum>& a, const std::vector<Datum>& b, uint64_t first);

}  // namespace ht::consumer
