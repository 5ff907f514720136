// DIF's instructions as one table: DTrace's published 64-bit set (numbers 1 to 79) and HyperTrace's relocation
// instructions (80 and up). The assembler, disassembler, verifier, interpreter and typing all take their facts from
// here. An instruction is 32 bits: op in 31-24, then by format
//
//   r1 23-16, r2 15-8, rd 7-0           registers (rd is also called rs where it is a source)
//   label 23-0                          absolute instruction index
//   index 23-8, rd 7-0                  variable, integer, string, subroutine, symbol
//   type 23-16, r2 15-8, rs 7-0         tuple pushes
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ht::dif {

// Operand formats; the name says the operands in order.
enum class Format : uint8_t {
  kR1R2Rd,   // or   %r1, %r2, %rd
  kR1Rd,     // mov  %r1, %rd
  kR1R2,     // cmp  %r1, %r2
  kR1,       // tst  %r1
  kLabel,    // ba   label
  kLoad,     // ldx  [%r1], %rd
  kStore,    // stx  %r1, [%rd]
  kRd,       // ret  %rd
  kNone,     // nop
  kInt,      // setx intindex, %rd
  kString,   // sets strindex, %rd
  kVarR2Rd,  // ldga var8(23-16), %r2(15-8), %rd
  kVarRd,    // ldgs var, %rd
  kRsVar,    // stgs var, %rs
  kCall,     // call subr, %rd
  kPushRef,  // pushtr type, %r2, %rs
  kPushVal,  // pushtv type, %r2, %rs
  kXlate,    // xlate xlrindex, %rd
  kSymbol,   // usetx sym, %rd        sym: offset of a name in the DIFO's string table
};

// How an instruction's result is typed. Each rule is the function of src/typing that has its name, and a row of the
// table of judgements in docs/typing.md.
// clang-format off
#define HT_TYPE_RULES(X) \
  X(kNone,         none)           /* no operand has a type, nor is there a result */                \
  X(kBitwise,      bitwise)        X(kComplement,   complement)                                      \
  X(kShiftLeft,    shift_left)     X(kShiftRight,   shift_right)                                     \
  X(kAdd,          add)            X(kSubtract,     subtract)                                        \
  X(kMultiply,     multiply)       X(kDivide,       divide)                                          \
  X(kMove,         move)                                                                             \
  X(kCompare,      compare)        X(kTest,         test)          X(kCompareText, compare_text)     \
  X(kBranch,       branch)                                                                           \
  X(kLoad,         load)           X(kSymbolicLoad, symbolic_load)                                   \
  X(kStore,        store)          /* also copys */                                                  \
  X(kInteger,      integer)        X(kText,         text)                                            \
  X(kBuiltinArray, builtin_array)  X(kVarLoad,      variable_load) X(kVarStore,    variable_store)   \
  X(kCall,         call)           X(kPushRef,      push_reference) X(kPushVal,    push_value)       \
  X(kScratch,      scratch)        X(kXlate,        translated)                                      \
  X(kSymbol,       symbol)         X(kTypeCast,     type_cast)                                       \
  X(kReturn,       result)
// clang-format on

enum class TypeRule : uint8_t {
#define X(rule, name) rule,
  HT_TYPE_RULES(X)
#undef X
};
inline constexpr std::string_view kTypeRuleNames[] = {
#define X(rule, name) #name,
    HT_TYPE_RULES(X)
#undef X
};

// clang-format off
#define HT_DIF_OPCODES(X) \
  X( 1, kOr,       "or",       kR1R2Rd,  kBitwise)         X( 2, kXor,      "xor",      kR1R2Rd,  kBitwise)      \
  X( 3, kAnd,      "and",      kR1R2Rd,  kBitwise)         X( 4, kSll,      "sll",      kR1R2Rd,  kShiftLeft)    \
  X( 5, kSrl,      "srl",      kR1R2Rd,  kShiftRight)      X( 6, kSub,      "sub",      kR1R2Rd,  kSubtract)     \
  X( 7, kAdd,      "add",      kR1R2Rd,  kAdd)             X( 8, kMul,      "mul",      kR1R2Rd,  kMultiply)     \
  X( 9, kSdiv,     "sdiv",     kR1R2Rd,  kDivide)          X(10, kUdiv,     "udiv",     kR1R2Rd,  kDivide)       \
  X(11, kSrem,     "srem",     kR1R2Rd,  kDivide)          X(12, kUrem,     "urem",     kR1R2Rd,  kDivide)       \
  X(13, kNot,      "not",      kR1Rd,    kComplement)      X(14, kMov,      "mov",      kR1Rd,    kMove)         \
  X(15, kCmp,      "cmp",      kR1R2,    kCompare)         X(16, kTst,      "tst",      kR1,      kTest)         \
  X(17, kBa,       "ba",       kLabel,   kBranch)          X(18, kBe,       "be",       kLabel,   kBranch)       \
  X(19, kBne,      "bne",      kLabel,   kBranch)          X(20, kBg,       "bg",       kLabel,   kBranch)       \
  X(21, kBgu,      "bgu",      kLabel,   kBranch)          X(22, kBge,      "bge",      kLabel,   kBranch)       \
  X(23, kBgeu,     "bgeu",     kLabel,   kBranch)          X(24, kBl,       "bl",       kLabel,   kBranch)       \
  X(25, kBlu,      "blu",      kLabel,   kBranch)          X(26, kBle,      "ble",      kLabel,   kBranch)       \
  X(27, kBleu,     "bleu",     kLabel,   kBranch)          X(28, kLdsb,     "ldsb",     kLoad,    kLoad)         \
  X(29, kLdsh,     "ldsh",     kLoad,    kLoad)            X(30, kLdsw,     "ldsw",     kLoad,    kLoad)         \
  X(31, kLdub,     "ldub",     kLoad,    kLoad)            X(32, kLduh,     "lduh",     kLoad,    kLoad)         \
  X(33, kLduw,     "lduw",     kLoad,    kLoad)            X(34, kLdx,      "ldx",      kLoad,    kLoad)         \
  X(35, kRet,      "ret",      kRd,      kReturn)          X(36, kNop,      "nop",      kNone,    kNone)         \
  X(37, kSetx,     "setx",     kInt,     kInteger)         X(38, kSets,     "sets",     kString,  kText)         \
  X(39, kScmp,     "scmp",     kR1R2,    kCompareText)     X(40, kLdga,     "ldga",     kVarR2Rd, kBuiltinArray) \
  X(41, kLdgs,     "ldgs",     kVarRd,   kVarLoad)         X(42, kStgs,     "stgs",     kRsVar,   kVarStore)     \
  X(43, kLdta,     "ldta",     kVarR2Rd, kBuiltinArray)    X(44, kLdts,     "ldts",     kVarRd,   kVarLoad)      \
  X(45, kStts,     "stts",     kRsVar,   kVarStore)        X(46, kSra,      "sra",      kR1R2Rd,  kShiftRight)   \
  X(47, kCall,     "call",     kCall,    kCall)            X(48, kPushtr,   "pushtr",   kPushRef, kPushRef)      \
  X(49, kPushtv,   "pushtv",   kPushVal, kPushVal)         X(50, kPopts,    "popts",    kNone,    kNone)         \
  X(51, kFlushts,  "flushts",  kNone,    kNone)            X(52, kLdgaa,    "ldgaa",    kVarRd,   kVarLoad)      \
  X(53, kLdtaa,    "ldtaa",    kVarRd,   kVarLoad)         X(54, kStgaa,    "stgaa",    kRsVar,   kVarStore)     \
  X(55, kSttaa,    "sttaa",    kRsVar,   kVarStore)        X(56, kLdls,     "ldls",     kVarRd,   kVarLoad)      \
  X(57, kStls,     "stls",     kRsVar,   kVarStore)        X(58, kAllocs,   "allocs",   kR1Rd,    kScratch)      \
  X(59, kCopys,    "copys",    kR1R2Rd,  kStore)           X(60, kStb,      "stb",      kStore,   kStore)        \
  X(61, kSth,      "sth",      kStore,   kStore)           X(62, kStw,      "stw",      kStore,   kStore)        \
  X(63, kStx,      "stx",      kStore,   kStore)           X(64, kUldsb,    "uldsb",    kLoad,    kLoad)         \
  X(65, kUldsh,    "uldsh",    kLoad,    kLoad)            X(66, kUldsw,    "uldsw",    kLoad,    kLoad)         \
  X(67, kUldub,    "uldub",    kLoad,    kLoad)            X(68, kUlduh,    "ulduh",    kLoad,    kLoad)         \
  X(69, kUlduw,    "ulduw",    kLoad,    kLoad)            X(70, kUldx,     "uldx",     kLoad,    kLoad)         \
  X(71, kRldsb,    "rldsb",    kLoad,    kLoad)            X(72, kRldsh,    "rldsh",    kLoad,    kLoad)         \
  X(73, kRldsw,    "rldsw",    kLoad,    kLoad)            X(74, kRldub,    "rldub",    kLoad,    kLoad)         \
  X(75, kRlduh,    "rlduh",    kLoad,    kLoad)            X(76, kRlduw,    "rlduw",    kLoad,    kLoad)         \
  X(77, kRldx,     "rldx",     kLoad,    kLoad)            X(78, kXlate,    "xlate",    kXlate,   kXlate)        \
  X(79, kXlarg,    "xlarg",    kXlate,   kXlate)                                                                 \
  /* HyperTrace: removed by the linker; a program that still has one cannot be loaded */                         \
  X(80, kUsetx,    "usetx",    kSymbol,  kSymbol)          X(81, kUload,    "uload",    kLoad,    kSymbolicLoad) \
  X(82, kUuload,   "uuload",   kLoad,    kSymbolicLoad)    X(83, kTypecast, "typecast", kSymbol,  kTypeCast)
// clang-format on

enum class Op : uint8_t {
#define X(number, name, mnemonic, format, rule) name = number,
  HT_DIF_OPCODES(X)
#undef X
};

inline constexpr unsigned kMaxOp = 83;
inline constexpr unsigned kRegisters = 8;       // %r0 always reads 0
inline constexpr unsigned kTupleRegisters = 8;  // keys or arguments

struct OpInfo {
  std::string_view mnemonic;  // empty: no such opcode
  Format format = Format::kNone;
  TypeRule rule = TypeRule::kNone;
};

inline constexpr std::array<OpInfo, 256> kOpInfo = [] {
  std::array<OpInfo, 256> table{};
#define X(number, name, mnemonic, format, rule) table[number] = {mnemonic, Format::format, TypeRule::rule};
  HT_DIF_OPCODES(X)
#undef X
  return table;
}();

using Instr = uint32_t;

constexpr Op op_of(Instr i) {
  return static_cast<Op>(i >> 24);
}
constexpr const OpInfo& info_of(Instr i) {
  return kOpInfo[i >> 24];
}
constexpr unsigned r1_of(Instr i) {
  return (i >> 16) & 0xff;
}
constexpr unsigned r2_of(Instr i) {
  return (i >> 8) & 0xff;
}
constexpr unsigned rd_of(Instr i) {
  return i & 0xff;
}
constexpr unsigned label_of(Instr i) {
  return i & 0xffffff;
}
constexpr unsigned index_of(Instr i) {
  return (i >> 8) & 0xffff;
}  // var, int, string, subr, symbol
constexpr unsigned type_of(Instr i) {
  return (i >> 16) & 0xff;
}

constexpr Instr make(Op op, unsigned r1, unsigned r2, unsigned rd) {
  return static_cast<uint32_t>(op) << 24 | r1 << 16 | r2 << 8 | rd;
}
constexpr Instr make_label(Op op, unsigned label) {
  return static_cast<uint32_t>(op) << 24 | label;
}
constexpr Instr make_index(Op op, unsigned index, unsigned rd) {
  return static_cast<uint32_t>(op) << 24 | index << 8 | rd;
}

// Tuple push types.
inline constexpr unsigned kTypeD = 0;
inline constexpr unsigned kTypeString = 1;

}  // namespace ht::dif
