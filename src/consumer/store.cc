#include "consumer/store.h"

#include <algorithm>
#include <cstring>

namespace ht::consumer {
namespace {

using dif::ActionKind;

void append_word(std::string& out, uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string tuple_of(const dif::AggregationLayout& layout, ByteView keys) {
  std::string tuple;
  for (const dif::Field& field : layout.keys) {
    const Datum datum = Datum::of(field, keys);
    append_word(tuple, static_cast<uint64_t>(field.kind) << 48 | uint64_t{datum.is_string()} << 40 | field.size);
    tuple.append(reinterpret_cast<const char*>(datum.bytes.data()), datum.bytes.size());
  }
  return tuple;
}

int sign(uint64_t a, uint64_t b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

int compare_key(const Datum& a, const Datum& b) {
  if (a.bytes.size() != b.bytes.size()) return sign(uint64_t{a.bytes.size()}, uint64_t{b.bytes.size()});
  if (a.is_symbol() && b.is_symbol()) {
    if (const int first = sign(a.word(0), b.word(0)); first != 0) return first;
    return sign(a.word(1), b.word(1));
  }
  switch (a.bytes.size()) {
    case 1:
    case 2:
    case 4:
    case 8:
      if (!a.is_string() && !b.is_string()) return sign(a.zero_extended(), b.zero_extended());
      break;
    default:
      break;
  }
  return a.bytes.empty() ? 0 : std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size());
}

// A bin that is not there, as it prints beside others in a joined line: zeros, even for min and max.
const std::vector<uint64_t>& zeros() {
  static const std::vector<uint64_t> kZeros(size_t{1} << 17);
  return kZeros;
}

BarStyle bars_of(const Options& options) {
  return {options.aggzoom, options.encoding == Options::Encoding::kUtf8};
}

struct Sortable {
  Row row;
  uint32_t aggregation = 0;
};

}  // namespace

int compare_keys(const std::vector<Datum>& a, const std::vector<Datum>& b, uint64_t first) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  if (first >= a.size()) first = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t key = (first + i) % a.size();
    if (const int order = compare_key(a[key], b[key]); order != 0) return order;
  }
  return 0;
}

void Store::merge(const dif::AggregationDef& def, const KeyLayout& layout, ByteView keys,
                  std::span<const uint64_t> values, uint32_t slot) {
  std::string tuple = tuple_of(*layout, keys);
  std::string name;
  append_word(name, def.id);
  name += tuple;
  auto [found, is_new] = bins_.try_emplace(std::move(name));
  Bin& bin = found->second;
  if (is_new) {
    bin.def = {def.name, def.id, def.function, def.param, {}};
    bin.layout = layout;
    bin.keys.assign(keys.begin(), keys.end());
    bin.words.assign(layout->value_words, initial_word(def.function));
    bin.tuple = std::move(tuple);
    for (uint32_t cpu : cpus_) bin.cpus.emplace(cpu, bin.words);
  }
  if (slot < cpus_.size()) merge_words(def.function, bin.cpus[cpus_[slot]], values);
  merge_words(def.function, bin.words, values);
}

Tally Store::tally(const Bin& bin, BarStyle bars) const {
  const auto state = states_.find(bin.def.id);
  const int64_t normal = state == states_.end() ? 1 : state->second.normal;
  return {bin.def.function, bin.def.param, normal, bin.words,
          bin.def.id,       bin.def.name,  bars,   bin.cpus.empty() ? nullptr : &bin.cpus};
}

std::vector<Datum> Store::data(const Bin& bin) {
  std::vector<Datum> keys;
  for (const dif::Field& field : bin.layout->keys) keys.push_back(Datum::of(field, bin.keys));
  return keys;
}

std::vector<Row> Store::rows(const std::vector<uint32_t>& aggregations, const Options& options) {
  // Joined on the key tuple; a single aggregation is the join of one.
  std::unordered_map<std::string_view, Row> joined;
  std::vector<const Bin*> examples(aggregations.size());
  for (size_t i = 0; i < aggregations.size(); ++i) {
    for (const auto& [name, bin] : bins_) {
      if (bin.def.id != aggregations[i]) continue;
      Row& row = joined[bin.tuple];
      if (row.keys.empty()) row.keys = data(bin);
      row.tallies.resize(aggregations.size());
      row.tallies[i] = tally(bin, bars_of(options));
      examples[i] = &bin;
    }
  }
  std::vector<Row> rows;
  for (auto& [tuple, row] : joined) {
    for (size_t i = 0; i < row.tallies.size(); ++i) {
      if (!row.tallies[i].words.empty() || examples[i] == nullptr) continue;
      row.tallies[i] = tally(*examples[i], bars_of(options));
      row.tallies[i].cpus = nullptr;
      row.tallies[i].words = std::span(zeros()).first(std::min(zeros().size(), examples[i]->words.size()));
    }
    rows.push_back(std::move(row));
  }
  const auto by_values = [&](const Row& a, const Row& b) {
    const size_t count = a.tallies.size();
    const size_t first = options.aggsortpos < count ? options.aggsortpos : 0;
    if (const int order = compare_values(a.tallies[first], b.tallies[first]); order != 0) return order;
    for (size_t i = 0; i < count; ++i) {
      if (const int order = compare_values(a.tallies[i], b.tallies[i]); order != 0) return order;
    }
    return 0;
  };
  const auto by_keys = [&](const Row& a, const Row& b) { return compare_keys(a.keys, b.keys, options.aggsortkeypos); };
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    int order = options.aggsortkey ? by_keys(a, b) : by_values(a, b);
    if (order == 0) order = options.aggsortkey ? by_values(a, b) : by_keys(a, b);
    return options.aggsortrev ? order > 0 : order < 0;
  });
  return rows;
}

std::vector<Row> Store::unprinted_rows(const Options& options) {
  std::vector<Sortable> all;
  for (const auto& [name, bin] : bins_) {
    if (!states_[bin.def.id].printed) all.push_back({{data(bin), {tally(bin, bars_of(options))}}, bin.def.id});
  }
  std::sort(all.begin(), all.end(), [&](const Sortable& a, const Sortable& b) {
    int order = sign(uint64_t{a.aggregation}, uint64_t{b.aggregation});
    const auto by_value = [&] { return compare_values(a.row.tallies[0], b.row.tallies[0]); };
    const auto by_key = [&] { return compare_keys(a.row.keys, b.row.keys, options.aggsortkeypos); };
    if (order == 0) order = options.aggsortkey ? by_key() : by_value();
    if (order == 0) order = options.aggsortkey ? by_value() : by_key();
    return options.aggsortrev ? order > 0 : order < 0;
  });
  std::vector<Row> rows;
  rows.reserve(all.size());
  for (Sortable& one : all) rows.push_back(std::move(one.row));
  return rows;
}

void Store::clear(uint32_t aggregation) {
  for (auto& [name, bin] : bins_) {
    if (bin.def.id != aggregation) continue;
    std::fill(bin.words.begin(), bin.words.end(), initial_word(bin.def.function));
    for (auto& [cpu, words] : bin.cpus) words = bin.words;
  }
}

void Store::truncate(uint32_t aggregation, int64_t keep) {
  std::vector<const std::pair<const std::string, Bin>*> bins;
  for (const auto& entry : bins_) {
    if (entry.second.def.id == aggregation) bins.push_back(&entry);
  }
  // Smallest first, whatever the sort options say.
  std::sort(bins.begin(), bins.end(), [&](const auto* a, const auto* b) {
    int order = compare_values(tally(a->second, {}), tally(b->second, {}));
    if (order == 0) order = compare_keys(data(a->second), data(b->second), 0);
    return order < 0;
  });
  const uint64_t wanted = keep < 0 ? 0 - static_cast<uint64_t>(keep) : static_cast<uint64_t>(keep);
  const size_t kept = static_cast<size_t>(std::min<uint64_t>(wanted, bins.size()));
  const size_t removed = bins.size() - kept;
  std::vector<std::string> names;
  for (size_t i = 0; i < removed; ++i) names.push_back(bins[keep < 0 ? kept + i : i]->first);
  for (const std::string& name : names) bins_.erase(name);
}

}  // namespace ht::consumer
