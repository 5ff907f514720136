// SHA-256, for naming type files and checking transfers (libcrypto's).
#pragma once

#include <string>

#include "base/bytes.h"

namespace ht {

std::string sha256_hex(ByteView data);  // 64 lower-case hex digits

}  // namespace ht
