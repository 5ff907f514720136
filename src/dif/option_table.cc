// The table itself. Adding an option is adding a row and its test.
#include <algorithm>
#include <array>

#include "dif/options.h"
#include "dif/verify.h"

namespace ht::dif {
namespace {

constexpr auto kEarly = OptionClass::kEarly;
constexpr auto kCompile = OptionClass::kCompile;
constexpr auto kRuntimeEarly = OptionClass::kRuntimeEarly;
constexpr auto kRuntime = OptionClass::kRuntime;
constexpr auto kDynamic = OptionClass::kDynamic;

constexpr auto kFlag = OptionValue::kFlag;
constexpr auto kBoolean = OptionValue::kBoolean;
constexpr auto kInteger = OptionValue::kInteger;
constexpr auto kSize = OptionValue::kSize;
constexpr auto kRate = OptionValue::kRate;
constexpr auto kWord = OptionValue::kWord;
constexpr auto kText = OptionValue::kText;
constexpr auto kList = OptionValue::kList;

constexpr auto kCommand = OptionUse::kCommand;
constexpr auto kProgram = OptionUse::kProgram;
constexpr auto kRefused = OptionUse::kRefused;

constexpr uint64_t kMostScratch = limits::kScratchBytes;
constexpr uint64_t kMostBuffer = uint64_t{1} << 60;  // what cannot be had is lowered
constexpr uint64_t kMostString = limits::kStringBytes;
constexpr uint64_t kMostCount = 65536;  // columns, positions, speculations: more would only exhaust somebody

// clang-format off
constexpr std::array kOptions = {
    OptionInfo{"agghist",       kDynamic, kBoolean, kProgram},
    OptionInfo{"aggpack",       kDynamic, kBoolean, kProgram},
    OptionInfo{"aggpercpu",     kCompile, kFlag,    kProgram},
    OptionInfo{"aggrate",       kDynamic, kRate,    kProgram, "0"},
    OptionInfo{"aggsize",       kRuntime, kSize,    kProgram, "4194304", "", 0, kMostBuffer},
    OptionInfo{"aggsortkey",    kDynamic, kBoolean, kProgram},
    OptionInfo{"aggsortkeypos", kDynamic, kInteger, kProgram, "0", "", 0, kMostCount},
    OptionInfo{"aggsortpos",    kDynamic, kInteger, kProgram, "0", "", 0, kMostCount},
    OptionInfo{"aggsortrev",    kDynamic, kBoolean, kProgram},
    OptionInfo{"aggzoom",       kDynamic, kBoolean, kProgram},
    OptionInfo{"amin",          kCompile, OptionValue::kAttributes, kCommand},
    OptionInfo{"argref",        kCompile, kFlag,    kCommand},
    OptionInfo{"bpflog",        kRuntime, kBoolean, kCommand},
    OptionInfo{"bpflogsize",    kRuntime, kSize,    kCommand, "16777215"},
    OptionInfo{"bufpolicy",     kRuntime, kWord,    kProgram, "switch", "switch fill ring"},
    OptionInfo{"bufresize",     kRuntime, kWord,    kProgram, "auto", "auto manual"},
    OptionInfo{"bufsize",       kRuntime, kSize,    kProgram, "4194304", "", 0, kMostBuffer},
    OptionInfo{"cleanrate",     kRuntime, kRate,    kProgram, "9900990"},
    OptionInfo{"core",          kCompile, kFlag,    kCommand},
    OptionInfo{"cpp",           kCompile, kFlag,    kCommand},
    OptionInfo{"cppargs",       kEarly,   kText,    kCommand},
    OptionInfo{"cpphdrs",       kEarly,   kFlag,    kCommand},
    OptionInfo{"cpppath",       kEarly,   kText,    kCommand, "cpp"},
    OptionInfo{"cpu",           kRuntime, kInteger, kProgram, "", "", 0, kMostCount},
    OptionInfo{"ctfpath",       kEarly,   kText,    kRefused, "", "the kernel's types are read from its BTF"},
    OptionInfo{"ctypes",        kCompile, kText,    kRefused, "", "there are no type containers: types come from BTF"},
    OptionInfo{"debug",         kCompile, kFlag,    kCommand},
    OptionInfo{"debugassert",   kCompile, kWord,    kCommand, "", "mutexes"},
    OptionInfo{"defaultargs",   kCompile, kFlag,    kCommand},
    OptionInfo{"define",        kEarly,   kList,    kCommand},
    OptionInfo{"destructive",   kRuntime, kBoolean, kProgram},
    OptionInfo{"disasm",        kCompile, kInteger, kCommand, "1", "", 1},
    OptionInfo{"dofstashpath",  kCompile, kText,    kCommand, "/run/dtrace"},
    OptionInfo{"droptags",      kCompile, kFlag,    kProgram},
    OptionInfo{"dtypes",        kCompile, kText,    kRefused, "", "there are no type containers: types come from BTF"},
    OptionInfo{"dump",          kEarly,   kWord,    kCommand, "", "cfg cfg.dot ifg ifg.dot types types.dot"},
    OptionInfo{"dynvarsize",    kRuntime, kSize,    kProgram, "1048576", "", 0, kMostBuffer},
    OptionInfo{"empty",         kCompile, kFlag,    kCommand},
    OptionInfo{"encoding",      kCompile, kWord,    kProgram, "", "ascii utf8"},
    OptionInfo{"errtags",       kCompile, kFlag,    kCommand},
    OptionInfo{"evaltime",      kCompile, kWord,    kCommand, "postinit", "exec preinit postinit main"},
    OptionInfo{"flowindent",    kDynamic, kBoolean, kProgram},
    OptionInfo{"format",        kCompile, kWord,    kProgram, "text", "text json"},
    OptionInfo{"grabanon",      kRuntime, kBoolean, kCommand},
    OptionInfo{"incdir",        kEarly,   kList,    kCommand},
    OptionInfo{"iregs",         kCompile, kInteger, kCommand, "8", "", 1},
    OptionInfo{"jstackframes",  kRuntime, kInteger, kProgram, "50"},
    OptionInfo{"jstackstrsize", kRuntime, kSize,    kProgram, "512"},
    OptionInfo{"kdefs",         kCompile, kFlag,    kCommand},
    OptionInfo{"knodefs",       kCompile, kFlag,    kCommand},
    OptionInfo{"late",          kCompile, kWord,    kCommand, "dynamic", "static dynamic"},
    OptionInfo{"lazyload",      kCompile, kFlag,    kCommand},
    OptionInfo{"ldpath",        kEarly,   kText,    kCommand, "ld"},
    OptionInfo{"libdir",        kCompile, kList,    kCommand},
    OptionInfo{"linkmode",      kCompile, kWord,    kCommand, "kernel", "kernel dynamic static"},
    OptionInfo{"linknommap",    kCompile, kFlag,    kCommand},
    OptionInfo{"linktype",      kCompile, kWord,    kCommand, "elf", "elf dof"},
    OptionInfo{"lockmem",       kRuntimeEarly, OptionValue::kLimit, kCommand},
    OptionInfo{"maxframes",     kRuntime, kInteger, kProgram, "127"},
    OptionInfo{"modpath",       kEarly,   kText,    kCommand},
    OptionInfo{"nolibs",        kCompile, kFlag,    kCommand},
    OptionInfo{"noresolve",     kRuntime, kBoolean, kProgram},
    OptionInfo{"nspec",         kRuntime, kInteger, kProgram, "1", "", 0, kMostCount},
    OptionInfo{"objcopypath",   kCompile, kText,    kCommand, "objcopy"},
    OptionInfo{"oformat",       kCompile, kText,    kRefused, "", "-x format=json prints JSON"},
    OptionInfo{"oneline",       kCompile, kFlag,    kCommand},
    OptionInfo{"partial",       kCompile, kFlag,    kCommand},
    OptionInfo{"pcapsize",      kRuntime, kSize,    kProgram, "1514"},
    OptionInfo{"pgmax",         kCompile, kInteger, kCommand, "8", "", 1},
    OptionInfo{"preallocate",   kCompile, kSize,    kCommand, "0"},
    OptionInfo{"printsize",     kDynamic, kSize,    kProgram, "8192"},
    OptionInfo{"procfspath",    kEarly,   kText,    kCommand, "/proc"},
    OptionInfo{"pspec",         kCompile, kFlag,    kCommand},
    OptionInfo{"quiet",         kDynamic, kBoolean, kProgram},
    OptionInfo{"quietresize",   kDynamic, kBoolean, kProgram},
    OptionInfo{"rawbytes",      kDynamic, kBoolean, kProgram},
    OptionInfo{"resolvers",     kCompile, kText,    kCommand, "vmname,hostname"},
    OptionInfo{"scratchsize",   kRuntime, kSize,    kProgram, "256", "", 0, kMostScratch},
    OptionInfo{"setenv",        kEarly,   OptionValue::kAssignment, kCommand},
    OptionInfo{"specsize",      kRuntime, kSize,    kProgram, "4194304", "", 0, kMostBuffer},
    OptionInfo{"stackframes",   kRuntime, kInteger, kProgram, "20"},
    OptionInfo{"stackindent",   kDynamic, kInteger, kProgram, "14", "", 0, kMostCount},
    OptionInfo{"statusrate",    kRuntime, kRate,    kProgram, "1000000000"},
    OptionInfo{"stdc",          kEarly,   kWord,    kCommand, "a", "a c s t"},
    OptionInfo{"strip",         kCompile, kFlag,    kCommand},
    OptionInfo{"strsize",       kRuntime, kSize,    kProgram, "256", "", 2, kMostString},
    OptionInfo{"switchrate",    kDynamic, kRate,    kProgram, "0"},
    OptionInfo{"syslibdir",     kCompile, kText,    kCommand},
    OptionInfo{"sysslice",      kCompile, kText,    kCommand, "system.slice"},
    OptionInfo{"temporal",      kRuntime, kBoolean, kProgram},
    OptionInfo{"tree",          kCompile, kInteger, kCommand, "", "", 1},
    OptionInfo{"tregs",         kCompile, kInteger, kCommand, "8", "", 1},
    OptionInfo{"typefile",      kEarly,   kText,    kCommand},
    OptionInfo{"udefs",         kCompile, kFlag,    kCommand},
    OptionInfo{"undef",         kEarly,   kList,    kCommand},
    OptionInfo{"unodefs",       kCompile, kFlag,    kCommand},
    OptionInfo{"unsetenv",      kEarly,   kList,    kCommand},
    OptionInfo{"useruid",       kCompile, kInteger, kCommand, "1000"},
    OptionInfo{"ustackframes",  kRuntime, kInteger, kProgram, "100"},
    OptionInfo{"verbose",       kCompile, kFlag,    kCommand},
    OptionInfo{"version",       kCompile, OptionValue::kVersion, kCommand, "2.0"},
    OptionInfo{"zdefs",         kCompile, kFlag,    kCommand},
    OptionInfo{"zone",          kRuntime, kText,    kRefused, "", "there are no zones on Linux"},
};
// clang-format on

}  // namespace

std::span<const OptionInfo> option_table() {
  return kOptions;
}

const OptionInfo* find_option(std::string_view name) {
  const auto* found = std::find_if(kOptions.begin(), kOptions.end(), [&](const auto& o) { return o.name == name; });
  return found == kOptions.end() ? nullptr : found;
}

}  // namespace ht::dif
