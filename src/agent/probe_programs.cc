#include "agent/probe_programs.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include <fmt/format.h>

#include "agent/libbpf_report.h"

namespace ht::agent {
namespace {

constexpr size_t kMostThreads = 4;        // more only wait for each other in the kernel
constexpr size_t kAloneBelow = 4;         // probes that are not worth a thread
constexpr rlim_t kDescriptors = 1 << 20;  // two for each probe

// The usual 1024 descriptors are soon used up. Root may have more; where it may not, opening says so.
void want_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kDescriptors) return;
  rlimit more{kDescriptors, std::max(limit.rlim_max, kDescriptors)};
  if (setrlimit(RLIMIT_NOFILE, &more) == 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Detacher::~Detacher() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Detacher::detach(std::vector<Attachment> attachments) {
  if (attachments.empty()) return;
  std::lock_guard lock(mutex_);
  for (Attachment& attachment : attachments) waiting_.push_back(std::move(attachment));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  wake_.notify_all();
}

void Detacher::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;  // what still waits is closed with the queue
    Attachment next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    next = {};
    lock.lock();
  }
}

Result<void> ProbePrograms::attach(const std::vector<uint32_t>& numbers, const Attach& attach,
                                   std::chrono::milliseconds most) {
  want_descriptors();
  std::vector<std::optional<Result<Attachment>>> results(numbers.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  const auto end = std::chrono::steady_clock::now() + most;
  auto work = [&] {
    for (size_t i = next++; i < numbers.size() && !failed; i = next++) {
      if (std::chrono::steady_clock::now() >= end) return;
      results[i].emplace(attach(numbers[i]));
      if (!results[i]->ok()) failed = true;
    }
  };
  const size_t cpus = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> helpers;
  if (numbers.size() >= kAloneBelow)
    for (size_t i = 1; i < std::min(cpus, kMostThreads); ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();

  size_t done = 0;
  std::optional<Error> error;
  for (auto& result : results) {
    done += result && result->ok();
    if (!error && result && !result->ok()) error = result->error();
  }
  if (!error && done < numbers.size())
    error = Error(fmt::format("only {} of {} probes could be armed within {} s", done, numbers.size(),
                              std::chrono::duration_cast<std::chrono::seconds>(most).count()),
                  "describe fewer of them");
  std::vector<Attachment> undone;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (!results[i] || !results[i]->ok()) continue;
    if (error) {
      undone.push_back(std::move(**results[i]));
    } else {
      attached_.insert_or_assign(numbers[i], std::move(**results[i]));
    }
  }
  detacher_.detach(std::move(undone));
  return error ? Result<void>(*error) : Result<void>();
}

void ProbePrograms::detach(const std::vector<uint32_t>& numbers) {
  std::vector<Attachment> gone;
  for (uint32_t number : numbers) {
    const auto found = attached_.find(number);
    if (found == attached_.end()) continue;
    if (found->second.program) past_misses_ += recursion_misses(found->second.program.get());
    gone.push_back(std::move(found->second));
    attached_.erase(found);
  }
  detacher_.detach(std::move(gone));
}

void ProbePrograms::detach_all() {
  std::vector<uint32_t> all;
  for (const auto& [number, attachment] : attached_) all.push_back(number);
  detach(all);
}

uint64_t ProbePrograms::misses() const {
  uint64_t misses = past_misses_;
  for (const auto& [number, attachment] : attached_)
    if (attachment.program) misses += recursion_misses(attachment.program.get());
  return misses;
}

}  // namespace ht::agent
