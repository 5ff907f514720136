// What the tests of the BTF reader share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "types/btf_builder.h"
#include "types/type_file.h"

namespace ht::types {

inline std::shared_ptr<const TypeFile> read(const BtfBuilder& builder) {
  auto file = TypeFile::from_btf(builder.build());
  EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message);
  return file.ok() ? *file : nullptr;
}

// Why it is; "accepted" if it is not.
inline std::string refused(const BtfBuilder& builder) {
  auto file = TypeFile::from_btf(builder.build());
  return file.ok() ? "accepted" : file.error().message;
}

}  // namespace ht::types
