// -x format=json: one JSON object a line, as docs/json.md describes it. Only ever add to it: others' programs read it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "consumer/sink.h"
#include "consumer/stream.h"
#include "consumer/symbols.h"

namespace ht::consumer {

// The line for an error that is not about a firing. `kind`: "compile", "link", "command".
std::string json_error(std::string_view kind, const Error& error);

class JsonSink final : public Sink {
 public:
  JsonSink(Stream& stream, Symbols& symbols);
  ~JsonSink() override;

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
  struct Record;  // the one that is being put together

  Stream& stream_;
  Symbols& symbols_;
  std::unique_ptr<Record> record_;
};

}  // namespace ht::consumer
