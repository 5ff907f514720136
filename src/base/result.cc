#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace ht {

Error errno_error(std::string_view text, int errno_value) {
  char buffer[128];
  return Error(std::string(text) + ": " + strerror_r(errno_value, buffer, sizeof buffer));
}

Error errno_error(std::string_view text) {
  return errno_error(text, errno);
}

}  // namespace ht
