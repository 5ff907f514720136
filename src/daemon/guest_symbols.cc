#include "daemon/guest_symbols.h"

#include <fmt/format.h>

namespace ht::daemon {
namespace {

SymbolsAnswer check(const channel::SymbolsReply& reply, const dif::Program& program, const std::string& guest,
                    const std::string& kernel, const Limits& limits) {
  if (!reply.error().empty()) return {nullptr, {Error("its kernel's symbols: " + reply.error())}};
  if (static_cast<size_t>(reply.symbols_size()) != program.symbols.size() ||
      static_cast<size_t>(reply.cpu_offsets_size()) > limits.cpus) {
    return {nullptr, {Error("its answer about its kernel's symbols makes no sense")}};
  }
  auto result = std::make_shared<engine::TargetSymbols>();
  SymbolsAnswer answer;
  for (int i = 0; i < reply.symbols_size(); ++i) {
    const channel::Symbol& symbol = reply.symbols(i);
    const dif::KernelSymbol& asked = program.symbols[static_cast<size_t>(i)];
    if (!symbol.found()) {
      Error error(fmt::format("failed to resolve {}`{}: Unknown symbol name, on {} (kernel {})", asked.module,
                              asked.name, guest, kernel));
      error.tag = "D_IDENT_UNDEF";
      error.pos = asked.pos;
      answer.errors.push_back(std::move(error));
      continue;
    }
    result->symbols.push_back({symbol.address(), symbol.per_cpu()});
  }
  result->cpu_offsets.assign(reply.cpu_offsets().begin(), reply.cpu_offsets().end());
  if (answer.errors.empty()) answer.symbols = std::move(result);
  return answer;
}

}  // namespace

void ask_symbols(const Limits& limits, Vm& vm, uint64_t request, std::shared_ptr<const dif::Program> program,
                 std::function<void(SymbolsAnswer)> done) {
  vm.exchange().expect(Exchange::Body::kSymbols, std::to_string(request), limits.symbols,
                       [&limits, program, done = std::move(done), guest = vm.name(), kernel = vm.hello().kernel()](
                           channel::FromMinion* message, const Error& failed) {
                         if (message == nullptr) return done({nullptr, {failed}});
                         done(check(message->symbols(), *program, guest, kernel, limits));
                       });
  channel::ToMinion message;
  message.mutable_symbols()->set_request(request);
  for (const dif::KernelSymbol& symbol : program->symbols) {
    channel::SymbolName* name = message.mutable_symbols()->add_symbols();
    name->set_module(symbol.module);
    name->set_name(symbol.name);
  }
  vm.send(message);
}

}  // namespace ht::daemon
