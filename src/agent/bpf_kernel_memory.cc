// Kernel memory through bpf/reader.bpf.c.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>

#include <fmt/format.h>

#include "agent/kernel_view.h"
#include "agent/libbpf_report.h"
#include "reader.skel.h"

namespace ht::agent {
namespace {

class BpfKernelMemory final : public KernelMemory {
 public:
  explicit BpfKernelMemory(reader_bpf* program) : program_(program) {}
  ~BpfKernelMemory() override { reader_bpf__destroy(program_); }

  Result<Bytes> read(uint64_t address, size_t size) override {
    auto* shared = program_->bss;
    if (size > sizeof(shared->data)) return Error("too much kernel memory asked for at once");
    shared->address = address;
    shared->size = static_cast<uint32_t>(size);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    int error = bpf_prog_test_run_opts(bpf_program__fd(program_->progs.ht_read_kernel), &options);
    if (error != 0) return libbpf_error("run the program that reads kernel memory", error);
    if (shared->status != 0) return Error(fmt::format("kernel address {:#x} cannot be read", address));
    return Bytes(shared->data, shared->data + size);
  }

 private:
  reader_bpf* program_;
};

}  // namespace

Result<std::unique_ptr<KernelMemory>> open_kernel_memory() {
  keep_libbpf_messages();
  reader_bpf* program = reader_bpf__open_and_load();
  if (program == nullptr) return libbpf_error("load the program that reads kernel memory", -errno);
  return std::unique_ptr<KernelMemory>(std::make_unique<BpfKernelMemory>(program));
}

}  // namespace ht::agent
