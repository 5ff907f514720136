// The rawtp and sdt providers: rawtp:SUBSYSTEM::NAME for every tracepoint of the kernel, arg0 ... its own arguments,
// and the same under DTrace's name for a kernel's static probes. One copy of the program of bpf/tracepoint.bpf.c for
// each armed probe.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <optional>

#include <fmt/format.h>

#include "agent/armed_bits.h"
#include "agent/libbpf_report.h"
#include "agent/probe_programs.h"
#include "agent/program_template.h"
#include "agent/provider.h"
#include "tracepoint.skel.h"

namespace ht::agent {
namespace {

static_assert(sizeof(tracepoint_bpf::tracepoint_bpf__bss::armed) * 8 >= kTracepointEnd, "a bit for each number");

class TracepointProvider final : public Provider {
 public:
  TracepointProvider(std::string name, uint32_t offset, std::shared_ptr<TracepointTable> table, uint32_t only_process)
      : name_(std::move(name)),
        first_(kTracepointFirst + offset),
        table_(std::move(table)),
        only_process_(only_process),
        attached_(detacher_) {}
  ~TracepointProvider() override { unload(); }

  std::string_view name() const override { return name_; }

  std::vector<Probe> find(const dif::ProbeDesc& description, uint32_t first, size_t limit) override {
    table_->refresh();
    std::vector<Probe> found;
    const std::vector<Tracepoint>& all = table_->all();
    for (size_t i = first <= first_ ? 0 : (first - first_ + 1) / 2; i < all.size() && found.size() < limit; ++i)
      if (all[i].present && means(description, all[i].subsystem, "", all[i].name))
        found.push_back({number(i), name_, all[i].subsystem, "", all[i].name});
    return found;
  }
  bool has(uint32_t number) const override {
    return number >= first_ && (number - first_) % 2 == 0 && (number - first_) / 2 < table_->all().size();
  }

  Result<void> arm(const std::vector<uint32_t>& numbers, int rings_fd) override {
    if (programs_ == nullptr) RETURN_IF_ERROR(load(rings_fd));
    RETURN_IF_ERROR(attached_.attach(numbers, [this](uint32_t number) { return attach(number); }));
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
    template_.reset();
    tracepoint_bpf__destroy(programs_);
    programs_ = nullptr;
  }
  uint64_t misses() const override { return programs_ == nullptr ? 0 : attached_.misses(); }

 private:
  uint32_t number(size_t index) const { return static_cast<uint32_t>(first_ + index * 2); }
  const Tracepoint& tracepoint(uint32_t number) const { return table_->all()[(number - first_) / 2]; }

  Result<void> load(int rings_fd) {
    keep_libbpf_messages();
    ProgramTemplate::register_sections();
    tracepoint_bpf* programs = tracepoint_bpf__open();
    if (programs == nullptr) return libbpf_error("open the tracepoint program", -errno);
    programs->rodata->filter_tgid = only_process_;
    int error = bpf_map__reuse_fd(programs->maps.rings, rings_fd);
    if (error == 0) error = tracepoint_bpf__load(programs);
    if (error != 0) {
      tracepoint_bpf__destroy(programs);
      return libbpf_error("load the tracepoint program", error);
    }
    programs_ = programs;
    auto prepared = ProgramTemplate::of(programs->progs.ht_tracepoint);
    if (!prepared.ok()) {
      unload();
      return std::move(prepared).error();
    }
    template_.emplace(std::move(*prepared));
    return {};
  }
  Result<Attachment> attach(uint32_t number) const {
    const Tracepoint& point = tracepoint(number);
    const std::string name = fmt::format("{}:{}::{}", name_, point.subsystem, point.name);
    auto program = template_->load({number, point.arguments});
    if (!program.ok()) {
      Error error = std::move(program).error();
      error.message = fmt::format("{}: {}", name, error.message);
      return error;
    }
    UniqueFd link(bpf_raw_tracepoint_open(point.name.c_str(), program->get()));
    if (!link) return errno_error(fmt::format("{}: cannot attach to it", name));
    Attachment attachment{std::move(*program), {}};
    attachment.links.push_back(std::move(link));
    return attachment;
  }

  const std::string name_;
  const uint32_t first_;  // the number of the first, from where every second is this provider's
  const std::shared_ptr<TracepointTable> table_;
  const uint32_t only_process_;
  tracepoint_bpf* programs_ = nullptr;
  std::optional<ProgramTemplate> template_;
  Detacher detacher_;
  ProbePrograms attached_;
};

}  // namespace

std::unique_ptr<Provider> make_rawtp_provider(std::shared_ptr<TracepointTable> table, uint32_t only_process) {
  return std::make_unique<TracepointProvider>("rawtp", 0, std::move(table), only_process);
}
std::unique_ptr<Provider> make_sdt_provider(std::shared_ptr<TracepointTable> table, uint32_t only_process) {
  return std::make_unique<TracepointProvider>("sdt", 1, std::move(table), only_process);
}

}  // namespace ht::agent
