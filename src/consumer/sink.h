// The one output interface: what the consumer has to say, before anyone has decided how it looks. The consumer decides
// what there is and in which order; a sink gives it a form.
#pragma once

#include <string>
#include <vector>

#include "consumer/datum.h"
#include "consumer/faults.h"
#include "consumer/options.h"
#include "consumer/store.h"
#include "dif/format.h"
#include "engine/session.h"

namespace ht::consumer {

// The firing that a record is of.
struct FiringView {
  const engine::RecordView& record;
  const engine::ProbeName& probe;
  std::string guest;  // empty: the host
};

class Sink {
 public:
  virtual ~Sink() = default;
  // A record: begin, what it holds in program order, end.
  virtual void begin(const FiringView& firing) = 0;
  virtual void trace(const Datum& value) = 0;
  virtual void print(const Datum& value, const std::string& text) = 0;  // the value; as a tree of its type
  virtual void memory(ByteView bytes) = 0;                              // tracemem
  virtual void formatted(const std::string& text) = 0;                  // printf
  virtual void aggregations(const std::vector<Row>& rows, const dif::FormatString* format) = 0;  // printa
  virtual void end() = 0;
  // At the end of the run: aggregations that were never printed.
  virtual void remaining(const std::vector<Row>& rows) = 0;
  // A clause that was abandoned; something that could not be done for a record (setopt, freopen); what was lost.
  virtual void fault(const FiringView& firing) = 0;
  virtual void failed(const FiringView& firing, const std::string& text) = 0;
  virtual void drop(const Drop& drop) = 0;
};

}  // namespace ht::consumer
