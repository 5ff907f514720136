// printf formats reach the daemon inside objects: parsing must end, and what it returns must be bounded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dif/format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ht::Result<ht::dif::FormatString> format = ht::dif::parse_format(text);
  if (!format.ok()) {
    if (format.error().message.empty() || format.error().tag != "D_SYNTAX") std::abort();
    return 0;
  }
  if (format->conversions() > size / 2) std::abort();
  for (const ht::dif::Conversion& part : format->parts) {
    if (part.width < 0 || part.width > 65536 || part.precision > 65536) std::abort();
    if (!part.is_literal_only && part.letter.size() != 1) std::abort();
  }
  return 0;
}
