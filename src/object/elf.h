// A program as an ELF object, for transport and storage. The format is described in docs/elf.md.
//
// Deterministic both ways: read(write(p)) == p, positions in the source included, and an object that read() accepts is
// byte for byte what write() makes of its program. read() never trusts a number in the object; what it returns is
// structurally sound and no more: dif::verify() judges the code.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "dif/program.h"

namespace ht::object {

inline constexpr uint32_t kVersion = 3;
inline constexpr size_t kMaxObjectBytes = size_t{64} << 20;

Bytes write(const dif::Program& program);

// The error's message names the section that is wrong.
Result<dif::Program> read(ByteView object);

}  // namespace ht::object
