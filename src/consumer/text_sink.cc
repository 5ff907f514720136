#include "consumer/text_sink.h"

#include <fmt/format.h>

#include "consumer/compact.h"
#include "consumer/printf.h"

namespace ht::consumer {
namespace {

enum class FlowKind { kOther, kEntry, kReturn };

FlowKind flow_kind(std::string_view name) {
  if (name == "entry" || name.ends_with("-entry")) return FlowKind::kEntry;
  if (name == "return" || name.ends_with("-return")) return FlowKind::kReturn;
  return FlowKind::kOther;
}

}  // namespace

void TextSink::heading() {
  if (headed_) return;
  if (options_.flowindent) {
    stream_.write(fmt::format("{:>3} {:<41}\n", "CPU", "FUNCTION"));
  } else if (!options_.quiet) {
    const std::string machine = options_.under_test ? "" : fmt::format("{:>3} {:>6} ", "CPU", "ID");
    stream_.write(fmt::format("{}{:>32}\n", machine, "FUNCTION:NAME"));
  }
  headed_ = true;
}

void TextSink::begin(const FiringView& firing) {
  heading();
  if (options_.flowindent) {
    stream_.write(flow_columns(firing));
  } else if (!options_.quiet) {
    const std::string machine =
        options_.under_test ? "" : fmt::format("{:>3} {:>6} ", firing.record.cpu, firing.probe.id);
    stream_.write(fmt::format("{}{:>32} ", machine, firing.probe.function + ":" + firing.probe.name));
  }
}

std::string TextSink::flow_columns(const FiringView& firing) {
  const engine::RecordView& record = firing.record;
  Flow& flow = flows_[{record.target, record.cpu}];
  FlowKind kind = flow_kind(firing.probe.name);
  // Several clauses on one probe enter or leave it once.
  if (flow.had_record && flow.last_probe == record.probe && flow.last_clause != record.clause) kind = FlowKind::kOther;
  flow.had_record = true;
  flow.last_probe = record.probe;
  flow.last_clause = record.clause;

  const bool syscall = firing.probe.provider == "syscall";
  if (kind == FlowKind::kReturn && flow.indent > 0) flow.indent -= 2;
  std::string text(flow.indent, ' ');
  if (kind == FlowKind::kEntry) text += (syscall ? " => " : " -> ") + firing.probe.function;
  if (kind == FlowKind::kReturn) text += (syscall ? " <= " : " <- ") + firing.probe.function;
  if (kind == FlowKind::kOther) text += "| " + firing.probe.function + ":" + firing.probe.name;
  static constexpr size_t kDeepest = 200;  // a flow whose returns were lost must not run off to the right for ever
  if (kind == FlowKind::kEntry && flow.indent < kDeepest) flow.indent += 2;
  return fmt::format("{:>3} {:<41} ", record.cpu, text);
}

void TextSink::trace(const Datum& value) {
  stream_.write(trace_text(value, style()));
}
void TextSink::print(const Datum&, const std::string& text) {
  stream_.write(text);
}
void TextSink::memory(ByteView bytes) {
  stream_.write(raw_dump(bytes));
}
void TextSink::formatted(const std::string& text) {
  stream_.write(text);
}

void TextSink::aggregations(const std::vector<Row>& rows, const dif::FormatString* format) {
  if (format == nullptr) {
    stream_.write("\n");
    return default_rows(rows);
  }
  for (const Row& one : rows) stream_.write(format_printa(*format, one.keys, one.tallies, &symbols_));
}

void TextSink::default_rows(const std::vector<Row>& rows) {
  CompactPrinter compact(rows, options_, symbols_);
  for (const Row& one : rows) {
    if (compact.takes(one)) {
      stream_.write(compact.line(one));
    } else {
      row(one);
    }
  }
}

void TextSink::row(const Row& row) {
  std::string line;
  for (const Datum& key : row.keys) line += key_column(key, style());
  for (const Tally& tally : row.tallies) line += value_column(tally);
  stream_.write(line + "\n");
}

void TextSink::end() {
  if (!options_.quiet) stream_.write("\n");
}

void TextSink::remaining(const std::vector<Row>& rows) {
  stream_.write("\n");
  default_rows(rows);
}

// What was printed before goes out before what is said about it.
void TextSink::fault(const FiringView& firing) {
  (void)stream_.flush();
  message_(fault_message(firing.record, firing.probe, firing.guest));
}

void TextSink::failed(const FiringView& firing, const std::string& text) {
  (void)stream_.flush();
  message_(clause_error(firing.record, firing.probe, text, firing.guest));
}

void TextSink::drop(const Drop& drop) {
  message_(options_.droptags ? fmt::format("[DTRACEDROP_{}] {}", drop.kind, drop.message) : drop.message);
}

}  // namespace ht::consumer
