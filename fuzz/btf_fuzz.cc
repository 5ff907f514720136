// BTF from a guest is bytes from an enemy: whatever they are, reading them ends soon in an Error or in a file whose
// every question can be answered. The first byte chooses whether the rest is read alone or as split BTF over a fixed
// base.
#include <cstddef>
#include <cstdint>

#include "types/btf_builder.h"
#include "types/every_query.h"
#include "types/type_file.h"
#include "typing/sample_types.h"

namespace {

// A base for the split files: the miniature kernel of the typing tests.
const std::shared_ptr<const ht::types::TypeFile>& base() {
  static const std::shared_ptr<const ht::types::TypeFile> file = ht::typing::sample_types();
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ht::ByteView blob(data + 1, size - 1);
  auto file = ht::types::TypeFile::from_btf(blob, (data[0] & 1) != 0 ? base() : nullptr);
  if (!file.ok()) return 0;
  static volatile uint64_t sink = 0;
  sink = sink + ht::types::ask_everything(**file, 400);
  return 0;
}
