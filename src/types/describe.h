// Types as text for people: one definition with offsets and sizes, or what a whole file holds.
#pragma once

#include <string>

#include "base/result.h"
#include "types/type_file.h"

namespace ht::types {

// "struct cred {" and its members with offset and size; the values of an enum; what a typedef, variable or function is.
// `spelling` is a type ("struct cred", "pid_t"), a variable or a function. Cut where it becomes longer than a megabyte.
Result<std::string> describe(const TypeFile& file, std::string_view spelling);

// How many types of each kind the file holds, a line each, from the id `first` on.
std::string summary(const TypeFile& file, TypeId first = 1);

}  // namespace ht::types
