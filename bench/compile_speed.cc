// What compiling costs as a program grows: one clause of a script of 100, 1,000 and more clauses, and how that compares
// with the smallest. A compiler that is linear in the program's length shows the same cost in every line.
//
//   compile-speed [CLAUSES]...
//
// CPU time, and the best of several runs each, as anything else only adds to it.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "d/compile.h"

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// A clause that has names of its own and shares some with others, as in a long script; {0} is its number.
constexpr const char* kShapes[] = {
    "tick-{0}s /global_{0} != 0 && self->on/ {{ printf(\"%d %s\\n\", global_{0}, execname); global_{0} = 0; }}\n",
    "BEGIN {{ global_{0} = {0} * 3 + sizeof (int); self->on = 1; this->s = strjoin(\"clause \", lltostr({0})); }}\n",
    "BEGIN {{ times[{0}, \"key\"] = timestamp; @counts_{0}[execname, pid] = count(); @all[probename] = sum({0}); }}\n",
    "BEGIN /times[{0}, \"key\"]/ {{ if ({0} > 5) {{ trace(times[{0}, \"key\"]); }} else {{ trace(\"none\"); }} }}\n",
    "END {{ this->x = {0} > 10 ? strlen(execname) : index(probefunc, \"a\"); @q[this->x] = quantize(this->x << 2); "
    "}}\n",
};

std::string script(unsigned clauses) {
  std::string text;
  constexpr unsigned kCount = std::size(kShapes);
  // The first shape uses what the second declares, so that starts.
  for (unsigned i = 0; i < clauses; i++) {
    text += fmt::format(fmt::runtime(kShapes[(i + 1) % kCount]), (i + 1) % kCount == 0 ? i - kCount + 1 : i);
  }
  return text;
}

double seconds_for(const std::string& text) {
  constexpr int kRuns = 9;
  double best = 0;
  for (int run = 0; run < kRuns; run++) {
    const double begin = cpu_seconds();
    const ht::d::CompileResult result = ht::d::compile({{"bench.d", text, true, ht::d::DescContext::kName}}, {});
    const double seconds = cpu_seconds() - begin;
    if (!result.ok()) {
      fmt::print(stderr, "compile-speed: {}\n", result.errors[0].error.text());
      std::exit(1);
    }
    best = run == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<unsigned> sizes;
  for (int i = 1; i < argc; i++) {
    const std::string_view word = argv[i];
    unsigned size = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), size);
    if (error != std::errc() || end != word.data() + word.size() || size == 0) {
      fmt::print(stderr, "usage: compile-speed [CLAUSES]...\n");
      return 2;
    }
    sizes.push_back(size);
  }
  if (sizes.empty()) sizes = {100, 1000, 5000};
  fmt::print("{:>8} {:>10} {:>12} {:>10}\n", "clauses", "ms", "us a clause", fmt::format("to {}", sizes[0]));
  double first = 0;
  for (unsigned size : sizes) {
    const double seconds = seconds_for(script(size));
    const double each = seconds / size;
    if (first == 0) first = each;
    fmt::print("{:>8} {:>10.1f} {:>12.2f} {:>9.2f}x\n", size, seconds * 1e3, each * 1e6, each / first);
  }
  return 0;
}
