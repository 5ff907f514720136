// A one-shot timer of the event loop whose action never runs after cancel(), after() or the end of the timer's life:
// asio's own handler may already be queued by then.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace ht::daemon {

class Timer {
 public:
  explicit Timer(asio::io_context& loop) : timer_(loop), serial_(std::make_shared<uint64_t>(0)) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void after(std::chrono::milliseconds time, std::function<void()> action) {
    cancel();
    timer_.expires_after(time);
    timer_.async_wait([current = serial_, mine = *serial_, action = std::move(action)](const std::error_code& failed) {
      if (failed || *current != mine) return;
      ++*current;
      action();
    });
  }
  void cancel() {
    ++*serial_;
    timer_.cancel();
  }

 private:
  asio::steady_timer timer_;
  std::shared_ptr<uint64_t> serial_;
};

}  // namespace ht::daemon
