// What the first guest of a kernel costs the host: reading its types, and linking a program of 50 clauses with them.
//
//   link-speed [BTF]         this kernel's, /sys/kernel/btf/vmlinux, unless another file is named
//
// The best of several runs each, as anything else only adds to it. Fails if a figure is over its bound.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "d/compile.h"
#include "link/link.h"
#include "types/type_file.h"

namespace {

constexpr double kMostReadMs = 150, kMostLinkMs = 100;
constexpr unsigned kClauses = 50;

// Clauses as people write them: chains of members, variables that hold what only the kernel knows, keys, strings.
std::string script() {
  static constexpr const char* kShapes[] = {
      "syscall::read:entry /curthread->cred->uid.val == {0}/ {{ @u_{0}[curthread->comm, pid] = count(); }}\n",
      "syscall::write:entry {{ self->t_{0} = curthread; self->s = curthread->start_time; }}\n",
      "syscall::write:return /self->t_{0}/ {{ printf(\"%d %d %s\\n\", self->t_{0}->pid, self->t_{0}->tgid, "
      "stringof(self->t_{0}->comm)); @[self->t_{0}->real_parent->pid] = quantize(timestamp - self->s); }}\n",
      "syscall::openat:entry {{ this->p = curthread->real_parent; seen[this->p->pid, curthread->comm]++; "
      "trace(sizeof (struct task_struct)); }}\n",
      "syscall::close:entry {{ if (defined(struct task_struct, no_such_{0})) {{ trace(curthread->no_such_{0}); }} else "
      "{{ trace(curthread->mm->start_stack); }} }}\n",
  };
  std::string text;
  for (unsigned i = 0; i < kClauses; i++) {
    // What one shape assigns another uses.
    text += fmt::format(fmt::runtime(kShapes[i % std::size(kShapes)]), i / std::size(kShapes));
  }
  return text;
}

template <typename Run>
double best_ms(Run run) {
  constexpr int kRuns = 7;
  double best = 0;
  for (int i = 0; i < kRuns; i++) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    best = i == 0 ? ms : std::min(best, ms);
  }
  return best;
}

int failed(const std::string& why) {
  fmt::print(stderr, "link-speed: {}\n", why);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "/sys/kernel/btf/vmlinux";
  ht::d::CompileOptions options;
  options.hypertrace = true;
  const ht::d::CompileResult compiled =
      ht::d::compile({{"bench.d", script(), true, ht::d::DescContext::kName}}, options);
  if (!compiled.ok()) return failed(compiled.errors[0].error.text());

  auto types = ht::types::TypeFile::from_file(path);
  if (!types) return failed(types.error().message);
  const double read = best_ms([&] { (void)ht::types::TypeFile::from_file(path); });
  ht::link::LinkResult linked;
  const double link = best_ms([&] { linked = ht::link::link(compiled.program, types->get(), {"vm1", "bench"}); });
  if (!linked.ok()) return failed(linked.errors[0].text());

  fmt::print("{:<44} {:>8} {:>8}\n", "", "ms", "bound");
  fmt::print("{:<44} {:>8.1f} {:>8.0f}\n", fmt::format("first read of a kernel's types ({} types)", (*types)->count()),
             read, kMostReadMs);
  fmt::print("{:<44} {:>8.1f} {:>8.0f}\n", fmt::format("linking {} clauses, types read", kClauses), link, kMostLinkMs);
  return read <= kMostReadMs && link <= kMostLinkMs ? 0 : 1;
}
