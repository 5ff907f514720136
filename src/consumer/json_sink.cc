// What a run says, as JSON.
#include "consumer/json_sink.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "consumer/faults.h"
#include "consumer/text.h"

namespace ht::consumer {
namespace {

using Json = nlohmann::ordered_json;

std::string hexadecimal(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

Json address(uint64_t value) {
  return fmt::format("{:#x}", value);
}

// An address, and its name in the words of the text output if it has one.
Json named(uint64_t where, const std::string& name) {
  Json object;
  object["address"] = address(where);
  if (name != address_text(std::nullopt, where, Offset::kHidden)) object["name"] = name;
  return object;
}

Json frames(const Datum& stack, Symbols& symbols) {
  Json list = Json::array();
  symbols.prepare(stack);
  for (size_t i = 0; stack.frame(i) != 0; ++i) list.push_back(named(stack.frame(i), frame_text(stack, i, &symbols)));
  return list;
}

Json value_of(const Datum& value, Symbols& symbols) {
  if (value.is_stack()) return frames(value, symbols);
  if (value.is_symbol()) return named(value.address(), symbol_text(value, &symbols));
  if (value.is_string()) return value.text();
  if (!value.is_integer()) return hexadecimal(value.bytes);
  return value.type().is_signed() ? Json(value.extended()) : Json(value.zero_extended());
}

std::string_view function_name(dif::ActionKind function) {
  using dif::ActionKind;
  switch (function) {
    case ActionKind::kCount:
      return "count";
    case ActionKind::kMin:
      return "min";
    case ActionKind::kMax:
      return "max";
    case ActionKind::kAvg:
      return "avg";
    case ActionKind::kSum:
      return "sum";
    case ActionKind::kStddev:
      return "stddev";
    case ActionKind::kQuantize:
      return "quantize";
    case ActionKind::kLquantize:
      return "lquantize";
    case ActionKind::kLlquantize:
      return "llquantize";
    default:
      return "unknown";
  }
}

// Buckets that hold something; a bound that there is not is null.
Json buckets_of(const Tally& tally) {
  Json list = Json::array();
  for (const Bucket& bucket : filled_buckets(tally)) {
    Json one;
    one["low"] = bucket.low ? Json(*bucket.low) : Json();
    one["high"] = bucket.high ? Json(*bucket.high) : Json();
    one["count"] = bucket.count;
    list.push_back(std::move(one));
  }
  return list;
}

Json probe_of(const engine::ProbeName& probe) {
  return {{"id", probe.id},
          {"provider", probe.provider},
          {"module", probe.module},
          {"function", probe.function},
          {"name", probe.name}};
}

// What record and fault have in common: where and when it happened.
void add_firing(Json& object, const FiringView& firing) {
  object["timestamp"] = firing.record.timestamp;
  object["cpu"] = firing.record.cpu;
  if (!firing.guest.empty()) object["vm"] = firing.guest;
  object["clause"] = firing.record.clause;
  object["probe"] = probe_of(firing.probe);
}

std::string line_of(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// One object for each aggregation of a row.
std::string bin_lines(const Row& row, Symbols& symbols) {
  std::string lines;
  Json keys = Json::array();
  for (const Datum& key : row.keys) keys.push_back(value_of(key, symbols));
  for (const Tally& tally : row.tallies) {
    Json object;
    object["type"] = "aggregation";
    object["name"] = tally.name;
    object["function"] = function_name(tally.function);
    object["keys"] = keys;
    if (tally.is_distribution()) {
      object["buckets"] = buckets_of(tally);
    } else if (tally.function == dif::ActionKind::kCount) {
      object["value"] = static_cast<uint64_t>(tally.scalar());
    } else {
      object["value"] = tally.scalar();
    }
    if (tally.normal != 1) object["normal"] = tally.normal;
    lines += line_of(object);
  }
  return lines;
}

}  // namespace

std::string json_error(std::string_view kind, const Error& error) {
  Json object;
  object["type"] = "error";
  object["kind"] = kind;
  if (!error.tag.empty()) object["tag"] = error.tag;
  object["message"] = error.message;
  if (error.pos.known()) {
    object["file"] = error.pos.file;
    object["line"] = error.pos.line;
    object["column"] = error.pos.column;
  }
  if (!error.hint.empty()) object["hint"] = error.hint;
  return line_of(object);
}

struct JsonSink::Record {
  Json object;
  std::string bins;  // of its printa(), on lines of their own behind it
};

JsonSink::JsonSink(Stream& stream, Symbols& symbols) : stream_(stream), symbols_(symbols) {}
JsonSink::~JsonSink() = default;

void JsonSink::begin(const FiringView& firing) {
  record_ = std::make_unique<Record>();
  record_->object["type"] = "record";
  add_firing(record_->object, firing);
  record_->object["output"] = Json::array();
}

void JsonSink::trace(const Datum& value) {
  Json one;
  if (value.is_stack()) {
    one["action"] = value.kind() == dif::ActionKind::kStack ? "stack" : "ustack";
  } else {
    one["action"] = value.is_symbol() ? "symbol" : "trace";
    if (!value.is_symbol()) one["ctype"] = value.type().name;
  }
  one["value"] = value_of(value, symbols_);
  record_->object["output"].push_back(std::move(one));
}

void JsonSink::print(const Datum& value, const std::string&) {
  record_->object["output"].push_back(
      {{"action", "print"}, {"ctype", value.type().name}, {"value", value_of(value, symbols_)}});
}

void JsonSink::memory(ByteView bytes) {
  record_->object["output"].push_back({{"action", "tracemem"}, {"value", hexadecimal(bytes)}});
}

void JsonSink::formatted(const std::string& text) {
  record_->object["output"].push_back({{"action", "printf"}, {"value", text}});
}

void JsonSink::aggregations(const std::vector<Row>& rows, const dif::FormatString*) {
  record_->object["output"].push_back({{"action", "printa"}, {"bins", rows.size()}});
  for (const Row& row : rows) record_->bins += bin_lines(row, symbols_);
}

void JsonSink::end() {
  stream_.write(line_of(record_->object) + record_->bins);
  record_.reset();
}

void JsonSink::remaining(const std::vector<Row>& rows) {
  for (const Row& row : rows) stream_.write(bin_lines(row, symbols_));
}

void JsonSink::fault(const FiringView& firing) {
  Json object;
  object["type"] = "error";
  object["kind"] = "fault";
  add_firing(object, firing);
  const engine::RecordView& record = firing.record;
  object["fault"] = dif::fault_text(record.fault);
  object["code"] = static_cast<unsigned>(record.fault);
  object["action"] = record.fault_action;
  if (record.fault_offset >= 0) object["offset"] = record.fault_offset;
  object["address"] = address(record.fault_address);
  object["message"] = fault_message(record, firing.probe, firing.guest);
  stream_.write(line_of(object));
}

void JsonSink::failed(const FiringView& firing, const std::string& text) {
  Json object;
  object["type"] = "error";
  object["kind"] = "action";
  add_firing(object, firing);
  object["message"] = clause_error(firing.record, firing.probe, text, firing.guest);
  stream_.write(line_of(object));
}

void JsonSink::drop(const Drop& drop) {
  Json object;
  object["type"] = "drop";
  object["kind"] = drop.kind;
  object["count"] = drop.count;
  if (drop.cpu) object["cpu"] = *drop.cpu;
  if (!drop.guest.empty()) object["vm"] = drop.guest;
  object["message"] = drop.message;
  stream_.write(line_of(object));
}

}  // namespace ht::consumer
