// agghist and aggpack: aggregations with one line per bin under a common header (reference, section 6.8).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "consumer/options.h"
#include "consumer/store.h"
#include "consumer/symbols.h"

namespace ht::consumer {

// Everything that is printed together: what the lines of one aggregation share is found out first.
class CompactPrinter {
 public:
  CompactPrinter(const std::vector<Row>& rows, const Options& options, Symbols& symbols);

  // Whether a row has this form: a single aggregation whose function the options concern.
  bool takes(const Row& row) const;
  // Its line; in front the header, when the row before was of another aggregation.
  std::string line(const Row& row);

 private:
  struct Table {
    Bars bars{{}, 1};
    BucketRange buckets;  // aggpack
    bool any_bucket = false;
  };

  bool is_histogram(const Row& row) const;
  bool is_packed(const Row& row) const;
  std::string histogram_header(const Row& row) const;
  std::string packed_header(const Row& row, const Table& table) const;
  std::string packed_line(const Row& row, const Table& table) const;

  const Options& options_;
  Symbols& symbols_;
  bool utf8_ = false;
  std::map<uint32_t, Table> tables_;
  uint32_t last_ = 0;  // aggregation; ids begin at 1
};

}  // namespace ht::consumer
