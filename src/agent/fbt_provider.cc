// The fbt provider: fbt:MODULE:FUNCTION:entry and :return for every function of the kernel and its modules that can be
// traced (bpf/fbt.bpf.c). A function is armed by a program for its trampoline if the kernel's types say what it takes;
// where there are none, where the kernel makes no trampoline (before Linux 6.6 for more than six arguments), or where
// the name is that of several functions, by kprobes.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "agent/armed_bits.h"
#include "agent/function_table.h"
#include "agent/kprobe.h"
#include "agent/libbpf_report.h"
#include "agent/probe_programs.h"
#include "agent/program_template.h"
#include "agent/provider.h"
#include "base/glob.h"
#include "base/log.h"
#include "fbt.skel.h"
#include "symbols/kallsyms.h"

namespace ht::agent {
namespace {

static_assert(sizeof(fbt_bpf::fbt_bpf__bss::armed) * 8 >= kFbtEnd, "a bit for each number");

constexpr std::array<std::string_view, 2> kKinds = {"entry", "return"};  // by the lowest bit of a number
// A function that every kernel with trampolines has, made for tests of them: what programs are prepared for.
constexpr const char* kPreparedFor = "bpf_fentry_test1";

// Where functions are: all addresses of each name, by module and name.
using Addresses = std::multimap<std::pair<std::string, std::string>, uint64_t>;

Addresses addresses_of(const std::set<std::pair<std::string, std::string>>& functions) {
  Addresses found;
  auto text = symbols::read_kallsyms();
  if (!text.ok()) return found;
  symbols::for_each_kernel_symbol(*text, [&](const symbols::KernelSymbolLine& line) {
    if (line.address == 0 || std::string_view("tTwW").find(line.type) == std::string_view::npos) return;
    std::pair<std::string, std::string> name(line.module, line.name);
    if (functions.contains(name)) found.emplace(std::move(name), line.address);
  });
  return found;
}

// What the kernel's types say of a function.
struct TypedFunction {
  uint32_t id = 0;   // 0: nothing
  int types_fd = 0;  // of its module's types; 0: vmlinux's
  ProbeArguments entry, result;
};

// The types and addresses that arming some functions takes, read when the first of them needs it. For several threads.
class FunctionsToArm {
 public:
  FunctionsToArm(KernelTypes& types, std::set<std::pair<std::string, std::string>> functions)
      : types_(types), functions_(std::move(functions)) {}

  TypedFunction typed(const std::string& module, std::string_view name) {
    const Module& of = types_of(module);
    TypedFunction result;
    if (of.file == nullptr) return result;
    const auto id = of.file->find(types::Kind::kFunc, name);
    if (!id || *id < of.first) return result;
    result.id = *id;
    result.types_fd = of.fd ? of.fd.get() : 0;
    const types::TypeId prototype = of.file->target(*id);
    result.entry = probe_arguments(*of.file, of.file->parameters(prototype));
    result.result = probe_result(*of.file, of.file->target(prototype));
    return result;
  }
  std::vector<uint64_t> addresses(const std::string& module, std::string_view name) {
    std::call_once(addresses_read_, [this] { addresses_ = addresses_of(functions_); });
    std::vector<uint64_t> found;
    const auto [first, last] = addresses_.equal_range({module, std::string(name)});
    for (auto it = first; it != last; ++it) found.push_back(it->second);
    return found;
  }

 private:
  struct Module {
    std::shared_ptr<const types::TypeFile> file;
    types::TypeId first = 1;
    UniqueFd fd;
  };
  const Module& types_of(const std::string& name) {
    std::lock_guard lock(mutex_);
    const auto [place, is_new] = modules_.try_emplace(name);
    Module& module = place->second;
    if (!is_new) return module;
    auto vmlinux = types_.vmlinux();
    if (!vmlinux.ok()) return module;
    if (name == symbols::kKernelModule) {
      module.file = *vmlinux;
      return module;
    }
    auto fd = open_module_types(name);
    auto file = types_.module(name);
    if (!fd.ok() || !file.ok()) return module;
    module.file = *file;
    module.first = static_cast<types::TypeId>((*vmlinux)->count());
    module.fd = std::move(*fd);
    return module;
  }

  KernelTypes& types_;
  const std::set<std::pair<std::string, std::string>> functions_;
  std::mutex mutex_;
  std::map<std::string, Module> modules_;
  std::once_flag addresses_read_;
  Addresses addresses_;
};

class FbtProvider final : public Provider {
 public:
  FbtProvider(std::shared_ptr<KernelTypes> types, uint32_t only_process)
      : types_(types), only_process_(only_process), table_(std::move(types)), attached_(detacher_) {}
  ~FbtProvider() override { unload(); }

  std::string_view name() const override { return "fbt"; }

  std::vector<Probe> find(const dif::ProbeDesc& description, uint32_t first, size_t limit) override {
    std::vector<Probe> found;
    bool kinds[2];
    for (size_t kind = 0; kind < kKinds.size(); ++kind) kinds[kind] = field_match(description.name, kKinds[kind]);
    if (!kinds[0] && !kinds[1]) return found;
    table_.refresh();
    const size_t from = first <= kFbtFirst ? 0 : first - kFbtFirst;
    for (size_t i = from / 2; i < table_.size() && found.size() < limit; ++i) {
      const FunctionTable::Function function = table_.at(i);
      if (!function.present || !field_match(description.module, function.module) ||
          !field_match(description.function, function.name))
        continue;
      for (size_t kind = 0; kind < kKinds.size(); ++kind)
        if (kinds[kind] && i * 2 + kind >= from && found.size() < limit)
          found.push_back({static_cast<uint32_t>(kFbtFirst + i * 2 + kind), "fbt", std::string(function.module),
                           std::string(function.name), std::string(kKinds[kind])});
    }
    return found;
  }
  bool has(uint32_t number) const override { return number >= kFbtFirst && (number - kFbtFirst) / 2 < table_.size(); }

  Result<void> arm(const std::vector<uint32_t>& numbers, int rings_fd) override {
    if (programs_ == nullptr) RETURN_IF_ERROR(load(rings_fd));
    std::set<std::pair<std::string, std::string>> functions;
    for (uint32_t number : numbers) functions.emplace(function(number).module, function(number).name);
    FunctionsToArm known(*types_, std::move(functions));
    RETURN_IF_ERROR(attached_.attach(numbers, [&](uint32_t number) { return attach(known, number); }));
    set_armed(programs_->bss->armed, numbers);
    return {};
  }
  void disarm(const std::vector<uint32_t>& numbers) override {
    if (programs_ == nullptr) return;
    clear_armed(programs_->bss->armed, numbers);
    attached_.detach(numbers);
  }
  void unload() override {
    attached_.detach_all();
    for (auto& prepared : trampolines_) prepared.reset();
    fbt_bpf__destroy(programs_);
    programs_ = nullptr;
    types_->forget();
  }
  uint64_t misses() const override {
    if (programs_ == nullptr) return 0;
    return attached_.misses() + recursion_misses(bpf_program__fd(programs_->progs.ht_fbt_kentry)) +
           recursion_misses(bpf_program__fd(programs_->progs.ht_fbt_kreturn));
  }

 private:
  FunctionTable::Function function(uint32_t number) const { return table_.at((number - kFbtFirst) / 2); }

  // With the programs for trampolines, or, where the kernel takes none, without.
  Result<void> load(int rings_fd) {
    auto loaded = load_programs(rings_fd, true);
    if (loaded.ok()) return loaded;
    no_trampolines_ = loaded.error().text();
    log::warn("{}: functions are probed by kprobes", no_trampolines_);
    return load_programs(rings_fd, false).ok() ? Result<void>() : loaded;
  }
  Result<void> load_programs(int rings_fd, bool with_trampolines) {
    keep_libbpf_messages();
    ProgramTemplate::register_sections();
    fbt_bpf* programs = fbt_bpf__open();
    if (programs == nullptr) return libbpf_error("open the fbt programs", -errno);
    programs_ = programs;
    programs->rodata->filter_tgid = only_process_;
    const std::array<bpf_program*, 2> prepared = {programs->progs.ht_fbt_entry, programs->progs.ht_fbt_return};
    int error = bpf_map__reuse_fd(programs->maps.rings, rings_fd);
    for (bpf_program* program : prepared) {
      if (error != 0) break;
      error = with_trampolines ? bpf_program__set_attach_target(program, 0, kPreparedFor)
                               : bpf_program__set_autoload(program, false);
    }
    if (error == 0) error = fbt_bpf__load(programs);
    if (error != 0) {
      unload();
      return libbpf_error("load the fbt programs", error);
    }
    for (size_t kind = 0; with_trampolines && kind < prepared.size(); ++kind) {
      auto made = ProgramTemplate::of(prepared[kind]);
      if (!made.ok()) {
        unload();
        return std::move(made).error();
      }
      trampolines_[kind].emplace(std::move(*made));
    }
    return {};
  }

  Result<Attachment> attach(FunctionsToArm& known, uint32_t number) const {
    const FunctionTable::Function what = function(number);
    const std::string module(what.module);
    const TypedFunction typed = what.ambiguous ? TypedFunction() : known.typed(module, what.name);
    std::string refused = what.ambiguous ? "several functions have that name" : "its type is not known";
    if (!trampolines_[number % 2]) {
      refused = no_trampolines_;
    } else if (typed.id != 0) {
      auto attached = attach_to_trampoline(typed, number);
      if (attached.ok()) return attached;
      refused = attached.error().text();
    }
    auto attached = attach_kprobes(typed, known.addresses(module, what.name), number);
    if (attached.ok()) return attached;
    return Error(fmt::format("fbt:{}:{}:{} cannot be armed: {}", what.module, what.name, kKinds[number % 2],
                             attached.error().text()),
                 fmt::format("a trampoline is not possible either: {}", refused));
  }
  Result<Attachment> attach_to_trampoline(const TypedFunction& typed, uint32_t number) const {
    const bool at_return = number % 2 != 0;
    ASSIGN_OR_RETURN(UniqueFd program, trampolines_[number % 2]->load(
                                           {number, at_return ? typed.result : typed.entry, typed.id, typed.types_fd}));
    UniqueFd link(bpf_link_create(program.get(), 0, at_return ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY, nullptr));
    if (!link) return errno_error("the kernel does not attach it");
    Attachment attachment{std::move(program), {}};
    attachment.links.push_back(std::move(link));
    return attachment;
  }
  // To each function of that name which the kernel lets us probe.
  Result<Attachment> attach_kprobes(const TypedFunction& typed, const std::vector<uint64_t>& addresses,
                                    uint32_t number) const {
    const bool at_return = number % 2 != 0;
    ProbeArguments arguments = at_return ? typed.result : typed.entry;
    if (typed.id == 0) arguments = {at_return ? 1u : kRegisters, 0};
    const bpf_program* program = at_return ? programs_->progs.ht_fbt_kreturn : programs_->progs.ht_fbt_kentry;
    Attachment attachment;
    Error failure("the kernel does not say where it is");
    for (uint64_t address : addresses) {
      auto links = attach_kprobe(bpf_program__fd(program), address, at_return,
                                 HT_COOKIE(number, arguments.count, arguments.widths));
      if (!links.ok()) failure = std::move(links).error();
      if (links.ok()) std::move(links->begin(), links->end(), std::back_inserter(attachment.links));
    }
    if (attachment.links.empty()) return failure;
    return attachment;
  }

  static constexpr uint32_t kRegisters = 6;  // arguments that are passed in registers

  const std::shared_ptr<KernelTypes> types_;
  const uint32_t only_process_;
  FunctionTable table_;
  fbt_bpf* programs_ = nullptr;
  std::array<std::optional<ProgramTemplate>, 2> trampolines_;  // as kKinds; none if the kernel takes none
  std::string no_trampolines_;                                 // why
  Detacher detacher_;
  ProbePrograms attached_;
};

}  // namespace

std::unique_ptr<Provider> make_fbt_provider(std::shared_ptr<KernelTypes> types, uint32_t only_process) {
  return std::make_unique<FbtProvider>(std::move(types), only_process);
}

}  // namespace ht::agent
