// Numbers that DIF refers to: builtin variables, subroutines, actions, faults (DTrace's own numbers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ht::dif {

// Builtin variables: id, D name, D type ("" = typed by the probe or symbolic; see typing). Types are C spellings.
// clang-format off
#define HT_DIF_VARIABLES(X) \
  X(0x000, kVarArgs,          "args",          "")          X(0x002, kVarUregs,     "uregs",     "uint64_t") \
  X(0x100, kVarCurthread,     "curthread",     "struct task_struct *")                                       \
  X(0x101, kVarTimestamp,     "timestamp",     "uint64_t")  X(0x102, kVarVtimestamp,"vtimestamp","uint64_t") \
  X(0x103, kVarIpl,           "ipl",           "uint_t")    X(0x104, kVarEpid,      "epid",      "uint64_t") \
  X(0x105, kVarId,            "id",            "uint_t")                                                     \
  X(0x106, kVarArg0,          "arg0",          "int64_t")   X(0x107, kVarArg1,      "arg1",      "int64_t")  \
  X(0x108, kVarArg2,          "arg2",          "int64_t")   X(0x109, kVarArg3,      "arg3",      "int64_t")  \
  X(0x10a, kVarArg4,          "arg4",          "int64_t")   X(0x10b, kVarArg5,      "arg5",      "int64_t")  \
  X(0x10c, kVarArg6,          "arg6",          "int64_t")   X(0x10d, kVarArg7,      "arg7",      "int64_t")  \
  X(0x10e, kVarArg8,          "arg8",          "int64_t")   X(0x10f, kVarArg9,      "arg9",      "int64_t")  \
  X(0x110, kVarStackdepth,    "stackdepth",    "uint32_t")  X(0x111, kVarCaller,    "caller",    "uintptr_t")\
  X(0x112, kVarProbeprov,     "probeprov",     "string")    X(0x113, kVarProbemod,  "probemod",  "string")   \
  X(0x114, kVarProbefunc,     "probefunc",     "string")    X(0x115, kVarProbename, "probename", "string")   \
  X(0x116, kVarPid,           "pid",           "pid_t")     X(0x117, kVarTid,       "tid",       "id_t")     \
  X(0x118, kVarExecname,      "execname",      "string")    X(0x119, kVarZonename,  "zonename",  "string")   \
  X(0x11a, kVarWalltimestamp, "walltimestamp", "int64_t")   X(0x11b, kVarUstackdepth,"ustackdepth","uint32_t")\
  X(0x11c, kVarUcaller,       "ucaller",       "uint64_t")  X(0x11d, kVarPpid,      "ppid",      "pid_t")    \
  X(0x11e, kVarUid,           "uid",           "uid_t")     X(0x11f, kVarGid,       "gid",       "gid_t")    \
  X(0x120, kVarErrno,         "errno",         "int")       X(0x121, kVarExecargs,  "execargs",  "string")   \
  X(0x200, kVarCpu,           "cpu",           "int")                                                        \
  /* HyperTrace's own; that of the kernel's symbols is the linker's, and no identifier of D */               \
  X(0x0f0, kVarSymbols,       "`symbols",      "uint64_t")                                                   \
  X(0x300, kVarVmname,        "vmname",        "string")    X(0x301, kVarVmid,      "vmid",      "uint32_t")
// clang-format on

enum Variable : uint16_t {
#define X(number, name, text, type) name = number,
  HT_DIF_VARIABLES(X)
#undef X
};

inline constexpr uint16_t kFirstUserVariable = 0x500;

struct VariableInfo {
  uint16_t id;
  std::string_view name;
  std::string_view type;
};
inline constexpr VariableInfo kVariables[] = {
#define X(number, name, text, type) {number, text, type},
    HT_DIF_VARIABLES(X)
#undef X
};

// Subroutines: number, name, the type of the result, the least and the most arguments, their types. That is also its
// typing rule: an argument that does not fit its parameter is an error, the result has the result's type.
// clang-format off
#define HT_DIF_SUBROUTINES(X) \
  X( 0, kRand,               "rand",                "int",                   0, 0, "")                                \
  X( 1, kMutexOwned,         "mutex_owned",         "int",                   1, 1, "struct mutex *")                  \
  X( 2, kMutexOwner,         "mutex_owner",         "struct task_struct *",  1, 1, "struct mutex *")                  \
  X( 3, kMutexTypeAdaptive,  "mutex_type_adaptive", "int",                   1, 1, "struct mutex *")                  \
  X( 4, kMutexTypeSpin,      "mutex_type_spin",     "int",                   1, 1, "struct mutex *")                  \
  X( 5, kRwReadHeld,         "rw_read_held",        "int",                   1, 1, "rwlock_t *")                      \
  X( 6, kRwWriteHeld,        "rw_write_held",       "int",                   1, 1, "rwlock_t *")                      \
  X( 7, kRwIswriter,         "rw_iswriter",         "int",                   1, 1, "rwlock_t *")                      \
  X( 8, kCopyin,             "copyin",              "void *",                2, 2, "uintptr_t, size_t")               \
  X( 9, kCopyinstr,          "copyinstr",           "string",                1, 2, "uintptr_t, size_t")               \
  X(10, kSpeculation,        "speculation",         "int",                   0, 0, "")                                \
  X(11, kProgenyof,          "progenyof",           "int",                   1, 1, "pid_t")                           \
  X(12, kStrlen,             "strlen",              "size_t",                1, 1, "const char *")                    \
  X(13, kCopyout,            "copyout",             "void",                  3, 3, "void *, uintptr_t, size_t")       \
  X(14, kCopyoutstr,         "copyoutstr",          "void",                  3, 3, "char *, uintptr_t, size_t")       \
  X(15, kAlloca,             "alloca",              "void *",                1, 1, "size_t")                          \
  X(16, kBcopy,              "bcopy",               "void",                  3, 3, "void *, void *, size_t")          \
  X(17, kCopyinto,           "copyinto",            "void",                  3, 3, "uintptr_t, size_t, void *")       \
  X(18, kMsgdsize,           "msgdsize",            "size_t",                1, 1, "mblk_t *")                        \
  X(19, kMsgsize,            "msgsize",             "size_t",                1, 1, "mblk_t *")                        \
  X(20, kGetmajor,           "getmajor",            "dev_t",                 1, 1, "dev_t")                           \
  X(21, kGetminor,           "getminor",            "dev_t",                 1, 1, "dev_t")                           \
  X(22, kDdiPathname,        "ddi_pathname",        "string",                2, 2, "void *, int64_t")                 \
  X(23, kStrjoin,            "strjoin",             "string",                2, 2, "const char *, const char *")      \
  X(24, kLltostr,            "lltostr",             "string",                1, 2, "int64_t, int")                    \
  X(25, kBasename,           "basename",            "string",                1, 1, "const char *")                    \
  X(26, kDirname,            "dirname",             "string",                1, 1, "const char *")                    \
  X(27, kCleanpath,          "cleanpath",           "string",                1, 1, "const char *")                    \
  X(28, kStrchr,             "strchr",              "string",                2, 2, "const char *, char")              \
  X(29, kStrrchr,            "strrchr",             "string",                2, 2, "const char *, char")              \
  X(30, kStrstr,             "strstr",              "string",                2, 2, "const char *, const char *")      \
  X(31, kStrtok,             "strtok",              "string",                2, 2, "const char *, const char *")      \
  X(32, kSubstr,             "substr",              "string",                2, 3, "const char *, int, int")          \
  X(33, kIndex,              "index",               "int",                   2, 3, "const char *, const char *, int") \
  X(34, kRindex,             "rindex",              "int",                   2, 3, "const char *, const char *, int") \
  X(35, kHtons,              "htons",               "uint16_t",              1, 1, "uint16_t")                        \
  X(36, kHtonl,              "htonl",               "uint32_t",              1, 1, "uint32_t")                        \
  X(37, kHtonll,             "htonll",              "uint64_t",              1, 1, "uint64_t")                        \
  X(38, kNtohs,              "ntohs",               "uint16_t",              1, 1, "uint16_t")                        \
  X(39, kNtohl,              "ntohl",               "uint32_t",              1, 1, "uint32_t")                        \
  X(40, kNtohll,             "ntohll",              "uint64_t",              1, 1, "uint64_t")                        \
  X(41, kInetNtop,           "inet_ntop",           "string",                2, 2, "int, void *")                     \
  X(42, kInetNtoa,           "inet_ntoa",           "string",                1, 1, "ipaddr_t *")                      \
  X(43, kInetNtoa6,          "inet_ntoa6",          "string",                1, 2, "struct in6_addr *, int")          \
  X(44, kToupper,            "toupper",             "string",                1, 1, "const char *")                    \
  X(45, kTolower,            "tolower",             "string",                1, 1, "const char *")                    \
  X(50, kMemstr,             "memstr",              "string",                3, 3, "void *, char, size_t")            \
  X(52, kJson,               "json",                "string",                2, 2, "const char *, const char *")      \
  X(53, kStrtoll,            "strtoll",             "int64_t",               1, 2, "const char *, int")               \
  X(54, kDPath,              "d_path",              "string",                1, 1, "struct path *")                   \
  X(55, kLinkNtop,           "link_ntop",           "string",                2, 2, "int, void *")
// clang-format on

enum class Subr : uint16_t {
#define X(number, name, text, result, least, most, parameters) name = number,
  HT_DIF_SUBROUTINES(X)
#undef X
};
inline constexpr unsigned kMaxSubr = 55;

struct SubrInfo {
  uint16_t number;
  std::string_view name;
  std::string_view result;
  uint8_t least;
  uint8_t most;
  std::string_view parameters;  // "const char *, int"

  // The C type of parameter `index` (from 0); empty if there is none.
  constexpr std::string_view parameter(size_t index) const {
    std::string_view rest = parameters;
    for (; index > 0 && !rest.empty(); --index) {
      const size_t comma = rest.find(", ");
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 2);
    }
    return rest.substr(0, rest.find(", "));
  }
};
inline constexpr std::string_view kTextParameter = "const char *";
inline constexpr SubrInfo kSubroutines[] = {
#define X(number, name, text, result, least, most, parameters) {number, text, result, least, most, parameters},
    HT_DIF_SUBROUTINES(X)
#undef X
};

// Actions. What each records is in layout.h.
enum class ActionKind : uint16_t {
  kNone = 0,
  kDifexpr = 1,  // an expression evaluated for its effect, or trace()'s value
  kExit = 2,
  kPrintf = 3,
  kPrinta = 4,
  kLibact = 5,  // clear, trunc, normalize, denormalize, setopt, ftruncate: done by the consumer
  kTracemem = 6,
  kPrint = 8,
  kUstack = 0x101,
  kJstack = 0x102,
  kUsym = 0x103,
  kUmod = 0x104,
  kUaddr = 0x105,
  kStop = 0x201,
  kRaise = 0x202,
  kSystem = 0x203,
  kFreopen = 0x204,
  kStack = 0x401,
  kSym = 0x402,
  kMod = 0x403,
  kBreakpoint = 0x501,  // never in a program
  kPanic = 0x502,       // nor this
  kChill = 0x503,
  kSpeculate = 0x601,
  kCommit = 0x602,
  kDiscard = 0x603,
  kCount = 0x701,
  kMin = 0x702,
  kMax = 0x703,
  kAvg = 0x704,
  kSum = 0x705,
  kStddev = 0x706,
  kQuantize = 0x707,
  kLquantize = 0x708,
  kLlquantize = 0x709,
  // HyperTrace's own: control flow inside a clause (if / else), forward only.
  kBranchFalse = 0x801,  // args[0] is the condition; continue at action `target` when it is zero
  kJump = 0x802,         // continue at action `target`
};
constexpr bool is_aggregation(ActionKind kind) {
  return (static_cast<unsigned>(kind) & 0xff00) == 0x700;
}
constexpr bool is_destructive(ActionKind kind) {
  return (static_cast<unsigned>(kind) & 0xff00) == 0x200 || (static_cast<unsigned>(kind) & 0xff00) == 0x500;
}

enum class Libact : uint32_t { kClear, kTrunc, kNormalize, kDenormalize, kSetopt, kFtruncate };

enum class Fault : uint16_t {
  kNone = 0xffff,
  kUnknown = 0,
  kBadaddr = 1,
  kBadalign = 2,
  kIllop = 3,
  kDivzero = 4,
  kNoscratch = 5,
  kKpriv = 6,
  kUpriv = 7,
  kTupoflow = 8,
  kBadstack = 9,
  kBadsize = 10,
  kBadindex = 11,
};
std::string_view fault_text(Fault fault);  // "invalid address"

const VariableInfo* find_variable(std::string_view name);
const VariableInfo* find_variable(uint16_t id);
const SubrInfo* find_subroutine(std::string_view name);
const SubrInfo* find_subroutine(uint16_t number);

}  // namespace ht::dif
