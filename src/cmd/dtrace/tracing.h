// What local and guest tracing have in common: the loop that consumes a session until it ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cmd/dtrace/options.h"
#include "cmd/dtrace/process.h"
#include "consumer/consumer.h"
#include "consumer/stream.h"
#include "engine/session.h"

namespace ht::dtrace {

// One side of a session: the engine in this process, or dtraced.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual int fd() const { return -1; }  // readable when poll() has something to do
  // Events; false: the session can go no further (the daemon is gone) and that has been said.
  virtual bool poll(consumer::Consumer&) { return true; }
  // The consumer met a probe or program that it does not know: waits a little for the event that names it.
  virtual bool refresh(consumer::Consumer&) { return false; }
  // Ends the session: END fires, the buffers are final. Says what went wrong.
  virtual bool stop(consumer::Consumer&) = 0;
  // After everything has been printed.
  virtual void report(consumer::Consumer&) {}
};

// Standard output, or the -o file.
Result<std::unique_ptr<consumer::Stream>> open_output(const CommandLine& line);
std::unique_ptr<consumer::Consumer> make_consumer(const dif::Program& program, consumer::Stream& stream);

// What the session could not be given as it was asked for; -x quietresize hides what was lowered.
void say_adjustments(const dif::Program& program, const std::vector<std::string>& texts);

// Runs until exit(), a signal or the end of the processes; prints what remains. Returns the exit status.
int trace(engine::SessionReader& reader, consumer::Consumer& consumer, consumer::Stream& stream, Backend& backend,
          Processes& processes);

}  // namespace ht::dtrace
