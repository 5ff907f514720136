// The DIF verifier: whatever a client or an object file brings is checked before it is loaded. Rules and diagnostics
// are those of the reference, section 12.6.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dif/program.h"

namespace ht::dif {

// Bounds of what may be loaded. Whoever allocates from a verified program may rely on them.
namespace limits {
inline constexpr size_t kClauses = 65536;
inline constexpr size_t kProbesPerClause = 4096;
inline constexpr size_t kActionsPerClause = 4096;
inline constexpr size_t kArgumentsPerAction = 256;
inline constexpr size_t kVariables = 65536;
inline constexpr size_t kAggregations = 65536;
inline constexpr size_t kName = 4096;       // bytes of any name
inline constexpr size_t kSymbolName = 512;  // bytes of a kernel symbol's name; the kernel's own limit
inline constexpr size_t kFormat = 65536;    // bytes of a format string
inline constexpr size_t kOptions = 256;
inline constexpr size_t kDifoBytes = 256 << 10;       // text, integers and strings together
inline constexpr uint32_t kByRefBytes = 16384;        // of a value that is not a string
inline constexpr uint32_t kStringBytes = 65536;       // strsize
inline constexpr uint32_t kScratchBytes = 64u << 20;  // scratchsize
inline constexpr uint32_t kTracememBytes = 65536;
inline constexpr uint32_t kFrames = 1024;
inline constexpr uint32_t kRecordBytes = 4 << 20;
inline constexpr uint32_t kValueWords = 65537;  // of an aggregation's bin
}  // namespace limits

enum class Stage { kCompiled, kLinked };  // kCompiled still may hold usetx, uload, uuload, typecast

// What a verified program can still do wrong is read or store at a bad address, divide by zero, run out of scratch
// memory and use a bad size at run time: the engine faults on those. A program that claims to be linked is always
// judged as kLinked. The error's pos is the D source's where the DIFO's line table tells it.
//
// The message names clause, action, argument and instruction: "clause 1 action 2 argument 0: instruction 3: invalid
// register 9" (all are indices, from 0).
Result<void> verify(const Program& program, Stage stage);
Result<void> verify(const Difo& difo, const Program& program, Stage stage);

}  // namespace ht::dif
