// BTF from a guest is bytes from an enemy: whatever they are, reading them ends soon in an Error or in a file whose
// every question can be answered. The first byte chooses whether the rest is read alone or as split BTF over a fixed
// base; that is also asked about together with its base, and searched as a guest does it.
#include <cstddef>
#include <cstdint>

#include "types/combined_types.h"
#include "types/every_query.h"
#include "types/module_search.h"
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
  const bool split = (data[0] & 1) != 0;
  static const ht::Bytes base_blob = ht::typing::sample_btf();
  static volatile uint64_t sink = 0;
  if (split) {
    const std::vector<bool> found =
        ht::types::defines(blob, *ht::types::btf_strings(base_blob),
                           {{"", ht::types::Kind::kStruct, "s"}, {"", ht::types::Kind::kVoid, "E"}});
    sink = sink + (found[0] ? 1 : 0);
  }
  auto file = ht::types::TypeFile::from_btf(blob, split ? base() : nullptr);
  if (!file.ok()) return 0;
  sink = sink + ht::types::ask_everything(**file, 400);
  if (split)
    sink = sink + ht::types::ask_everything(ht::types::CombinedTypes(base(), {{"a", *file}, {"b", *file}}), 400);
  return 0;
}
