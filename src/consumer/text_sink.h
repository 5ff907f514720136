// DTrace's own text, to the character (reference, sections 6.3, 6.10, 7.2, 7.10, 7.11).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "consumer/sink.h"
#include "consumer/stream.h"
#include "consumer/text.h"

namespace ht::consumer {

class TextSink final : public Sink {
 public:
  // Faults and drops: one line of text without a prefix, for stderr.
  using Message = std::function<void(const std::string&)>;
  // `options` may change while records are consumed (setopt).
  TextSink(Stream& stream, const Options& options, Symbols& symbols, Message message)
      : stream_(stream), options_(options), symbols_(symbols), message_(std::move(message)) {}

  void begin(const FiringView& firing) override;
  void trace(const Datum& value) override;
  void print(const Datum& value, const std::string& text) override;
  void memory(ByteView bytes) override;
  void formatted(const std::string& text) override;
  void aggregations(const std::vector<Row>& rows, const dif::FormatString* format) override;
  void end() override;
  void remaining(const std::vector<Row>& rows) override;
  void fault(const FiringView& firing) override;
  void failed(const FiringView& firing, const std::string& text) override;
  void drop(const Drop& drop) override;

 private:
  // Flow indentation, per CPU.
  struct Flow {
    size_t indent = 0;
    bool had_record = false;
    uint32_t last_probe = 0, last_clause = 0;
  };

  TraceStyle style() const {
    return {options_.quiet, options_.rawbytes, static_cast<int>(options_.stackindent), &symbols_};
  }
  void heading();
  std::string flow_columns(const FiringView& firing);
  void default_rows(const std::vector<Row>& rows);
  void row(const Row& row);

  Stream& stream_;
  const Options& options_;
  Symbols& symbols_;
  Message message_;
  bool headed_ = false;
  std::map<std::pair<engine::TargetId, uint32_t>, Flow> flows_;
};

}  // namespace ht::consumer
