#include "typing/probe_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/glob.h"
#include "symbols/kallsyms.h"

namespace ht::typing {

using types::Kind;
using types::TypeFile;
using types::TypeId;

namespace {

constexpr std::string_view kTracepointPrefix = "btf_trace_";
constexpr std::string_view kSystemCallPrefix = "__do_sys_";
constexpr unsigned kSystemCallArguments = 6;

enum class Family : uint8_t { kFunction, kTracepoint, kSystemCall };
struct ProviderRow {
  std::string_view name;
  Family family;
};
constexpr ProviderRow kProviders[] = {{"fbt", Family::kFunction},
                                      {"rawtp", Family::kTracepoint},
                                      {"sdt", Family::kTracepoint},
                                      {"syscall", Family::kSystemCall}};

Error error(std::string_view tag, std::string message, std::string hint = {}) {
  Error e(std::move(message), std::move(hint));
  e.tag = tag;
  return e;
}

Value untyped() {
  return Value::integer(8, true, "int64_t");
}

Error unstable(const dif::ProbeDesc& desc, uint64_t index, std::string_view one, std::string_view first,
               std::string_view other, std::string_view second) {
  return error("D_ARGS_MULTI",
               fmt::format("args[ ] may not be referenced because probe description {} matches an unstable set of "
                           "probes: args[{}] of {} is \"{}\", of {} \"{}\"",
                           desc.text(), index, one, first, other, second),
               fmt::format("arg{} is the argument as an integer", index));
}

}  // namespace

// Everything that one description may mean, and what all of that says about one argument.
class ProbeArguments::Search {
 public:
  Search(const TypeFile& types, const Lattice& lattice, const dif::ProbeDesc& desc, uint64_t index)
      : types_(types), lattice_(lattice), desc_(desc), index_(index) {}

  Result<Claim> run() {
    bool exact = false;
    for (const ProviderRow& row : kProviders) {
      if (desc_.id != 0 || !field_match(desc_.provider, row.name)) continue;
      exact = exact || desc_.provider == row.name;
      if (row.family == Family::kFunction) functions();
      if (row.family == Family::kTracepoint) tracepoints();
      if (row.family == Family::kSystemCall) system_calls();
      if (problem_) return std::move(*problem_);
    }
    if (claim_) return std::move(*claim_);
    if (!exact) return Claim{desc_.text(), untyped()};
    return error(
        "D_ARGS_TYPE",
        fmt::format("args[{}] of {} has no type: the kernel's types describe no such probe", index_, desc_.text()),
        hint());
  }

 private:
  std::string hint() const { return fmt::format("arg{} is the argument as an integer", index_); }

  void functions() {
    if (!field_match(desc_.name, "entry") && !field_match(desc_.name, "return")) return;
    const bool any_module = desc_.module.empty() || is_glob(desc_.module);
    if (!is_glob(desc_.function) && !desc_.function.empty()) {
      const std::string_view module = any_module ? std::string_view() : desc_.module;
      const auto id = types_.find_in(module, Kind::kFunc, desc_.function);
      if (id && in_module(*id)) function(*id);
      return;
    }
    // A pattern finds nothing, but that module's types are wanted.
    if (!any_module) (void)types_.find_in(desc_.module, Kind::kFunc, desc_.function);
    for (TypeId id = 1; id < types_.count() && !problem_; ++id) {
      if (types_.kind(id) == Kind::kFunc && field_match(desc_.function, types_.name(id)) && in_module(id)) function(id);
    }
  }

  // Of a function that is not the kernel's own, which module has it is known if the description says which.
  bool in_module(TypeId id) const {
    const auto kernels = types_.find_in(symbols::kKernelModule, Kind::kFunc, types_.name(id));
    if (kernels && (*kernels == id || desc_.module == symbols::kKernelModule)) {
      return field_match(desc_.module, symbols::kKernelModule);
    }
    if (desc_.module.empty() || is_glob(desc_.module)) return true;
    return types_.find_in(desc_.module, Kind::kFunc, types_.name(id)) == id;
  }

  void function(TypeId id) {
    const TypeId prototype = types_.target(id);
    const std::string name(types_.name(id));
    if (field_match(desc_.name, "entry")) parameter(name, prototype, 0, false);
    if (problem_ || !field_match(desc_.name, "return")) return;
    const TypeId result = types_.target(prototype);
    const bool is_void = types_.strip(result) == 0;
    if (index_ == 0) return agree(name + ":return", untyped());
    if (index_ > 1 || is_void) return out_of_range(name + ":return", is_void ? 1 : 2);
    passed(name + ":return", result, false);
  }

  void tracepoints() {
    if (!desc_.function.empty() && !field_match(desc_.function, "")) return;
    if (!is_glob(desc_.name) && !desc_.name.empty()) {
      if (auto id = types_.find(Kind::kTypedef, fmt::format("{}{}", kTracepointPrefix, desc_.name))) tracepoint(*id);
      return;
    }
    for (TypeId id = 1; id < types_.count() && !problem_; ++id) {
      if (types_.kind(id) != Kind::kTypedef || !types_.name(id).starts_with(kTracepointPrefix)) continue;
      if (field_match(desc_.name, types_.name(id).substr(kTracepointPrefix.size()))) tracepoint(id);
    }
  }

  // typedef void (*btf_trace_NAME)(void *__data, ...)
  void tracepoint(TypeId id) {
    const TypeId prototype = types_.strip(types_.target(types_.strip(id)));
    if (types_.kind(prototype) != Kind::kFuncProto) return;
    parameter(std::string(types_.name(id).substr(kTracepointPrefix.size())), prototype, 1, false);
  }

  void system_calls() {
    // Their tracepoints' module is vmlinux.
    if (!field_match(desc_.module, symbols::kKernelModule)) return;
    const std::string name = desc_.function.empty() ? "a system call" : desc_.function;
    if (field_match(desc_.name, "entry")) system_call(name);
    if (problem_ || !field_match(desc_.name, "return")) return;
    index_ < 2 ? agree(name + ":return", untyped()) : out_of_range(name + ":return", 2);
  }

  // Of one call, what its body takes; of several, what they have in common: registers.
  void system_call(const std::string& name) {
    const bool one = !desc_.function.empty() && !is_glob(desc_.function);
    const auto id =
        one ? types_.find_in(symbols::kKernelModule, Kind::kFunc, fmt::format("{}{}", kSystemCallPrefix, name))
            : std::nullopt;
    if (id) return parameter(name, types_.target(*id), 0, true);
    index_ < kSystemCallArguments ? agree(name, untyped()) : out_of_range(name, kSystemCallArguments);
  }

  void parameter(const std::string& of, TypeId prototype, size_t skipped, bool user) {
    std::vector<types::Member> parameters = types_.parameters(prototype);
    if (!parameters.empty() && parameters.back().type == 0) parameters.pop_back();  // ...
    const size_t count = parameters.size() - std::min(parameters.size(), skipped);
    if (index_ >= count) return out_of_range(of, count);
    for (size_t i = skipped; i < index_ + skipped; ++i) {
      // A struct that takes two registers, or none, moves all that follow.
      if (types_.size(parameters[i].type).value_or(8) > 8) {
        return fail("D_ARGS_TYPE",
                    fmt::format("args[{}] of {} has no register of its own: args[{}] before it is \"{}\"", index_, of,
                                i - skipped, types_.spell(parameters[i].type)));
      }
    }
    passed(of, parameters[index_ + skipped].type, user);
  }

  // A value in a register.
  void passed(const std::string& of, TypeId type, bool user) {
    Value v = Value::typed(type, 0);
    v.symbolic = true;
    const bool is_pointer = lattice_.pointee(v).has_value();
    if (!is_pointer && !lattice_.int_view(v).arithmetic) {
      return fail("D_ARGS_TYPE",
                  fmt::format("args[{}] of {} is passed by value, as \"{}\"", index_, of, types_.spell(type)));
    }
    v.user = user && is_pointer;
    agree(of, std::move(v));
  }

  void agree(const std::string& of, Value value) {
    if (!claim_) {
      claim_ = Claim{of, std::move(value)};
    } else if (!lattice_.same(claim_->value, value)) {
      problem_ = unstable(desc_, index_, claim_->of, lattice_.spell(claim_->value), of, lattice_.spell(value));
    }
  }

  void out_of_range(const std::string& of, size_t count) {
    fail("D_ARGS_IDX", fmt::format("index {} is out of range for {} args[ ]: {} has {} {}", index_, desc_.text(), of,
                                   count == 0 ? "no" : std::to_string(count), count == 1 ? "argument" : "arguments"));
  }

  void fail(std::string_view tag, std::string message) {
    problem_ = error(tag, std::move(message), tag == "D_ARGS_IDX" ? std::string() : hint());
  }

  const TypeFile& types_;
  const Lattice& lattice_;
  const dif::ProbeDesc& desc_;
  const uint64_t index_;
  std::optional<Claim> claim_;
  std::optional<Error> problem_;
};

const Result<ProbeArguments::Claim>& ProbeArguments::claim(const dif::ProbeDesc& desc, uint64_t index) {
  const std::pair key(fmt::format("{} {}", desc.id, desc.text()), index);
  auto found = known_.find(key);
  if (found == known_.end()) found = known_.emplace(key, Search(types_, lattice_, desc, index).run()).first;
  return found->second;
}

Result<Value> ProbeArguments::argument(const std::vector<dif::ProbeDesc>& probes, uint64_t index) {
  std::optional<Claim> agreed;
  for (const dif::ProbeDesc& desc : probes) {
    const Result<Claim>& one = claim(desc, index);
    if (!one.ok()) return one.error();
    if (!agreed) {
      agreed = *one;
    } else if (!lattice_.same(agreed->value, one->value)) {
      return unstable(desc, index, agreed->of, lattice_.spell(agreed->value), one->of, lattice_.spell(one->value));
    }
  }
  return agreed ? agreed->value : untyped();
}

bool have_typed_arguments(const std::vector<dif::ProbeDesc>& probes) {
  return std::any_of(probes.begin(), probes.end(), [](const dif::ProbeDesc& desc) {
    return desc.id == 0 && std::any_of(std::begin(kProviders), std::end(kProviders),
                                       [&](const ProviderRow& row) { return field_match(desc.provider, row.name); });
  });
}

}  // namespace ht::typing
