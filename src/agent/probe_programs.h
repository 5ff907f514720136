// The programs of a provider whose probes each have a program of their own: attached by several threads, as the kernel
// may take milliseconds for each; detached in the background, as it may take a tenth of a second for each.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ht::agent {

// A probe's program and what attaches it. The program may be one that is shared: then it is left out.
struct Attachment {
  UniqueFd program;
  std::vector<UniqueFd> links;
};

// Closes descriptors one after another in a thread of its own.
class Detacher {
 public:
  ~Detacher();  // closes the rest
  void detach(std::vector<Attachment> attachments);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Attachment> waiting_;
  bool stop_ = false;
  std::thread thread_;  // from the first detach() on
};

class ProbePrograms {
 public:
  // Loads and attaches one; called by several threads at once.
  using Attach = std::function<Result<Attachment>(uint32_t number)>;

  explicit ProbePrograms(Detacher& detacher) : detacher_(detacher) {}
  ~ProbePrograms() { detach_all(); }

  // All of them, or on an error none: that of the first number that fails is returned. It is an error, too, if they are
  // not all attached within `most`: whoever has asked does not wait for ever.
  Result<void> attach(const std::vector<uint32_t>& numbers, const Attach& attach,
                      std::chrono::milliseconds most = kMostTime);
  static constexpr std::chrono::milliseconds kMostTime{45000};  // less than the overlord's Limits::arm
  void detach(const std::vector<uint32_t>& numbers);
  void detach_all();
  // Of all programs that were ever attached.
  uint64_t misses() const;

 private:
  Detacher& detacher_;
  std::unordered_map<uint32_t, Attachment> attached_;
  uint64_t past_misses_ = 0;
};

}  // namespace ht::agent
