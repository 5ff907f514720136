#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace ht::log {
namespace {

void install(spdlog::sink_ptr sink, bool verbose) {
  auto logger = std::make_shared<spdlog::logger>("dtraced", std::move(sink));
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace

Result<void> to_stderr(bool verbose) {
  install(std::make_shared<spdlog::sinks::stderr_sink_mt>(), verbose);
  return {};
}

Result<void> to_file(const std::string& path, bool verbose) {
  try {  // spdlog's own border
    install(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path), verbose);
  } catch (const spdlog::spdlog_ex& error) {
    return Error("cannot open the log " + path + ": " + error.what());
  }
  return {};
}

}  // namespace ht::log
