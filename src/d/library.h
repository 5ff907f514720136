// The D libraries: programs that are compiled before the user's, for the types, constants, inlines and translators in
// them (reference, section 13.17). Ours are part of the binary; directories (-L, syslibdir) hold others.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ht::d {

struct EmbeddedLibrary {
  std::string_view name, text;
};
std::span<const EmbeddedLibrary> embedded_libraries();  // by name

struct LibraryText {
  std::string name;  // path; of an embedded one its file name
  std::string text;
  bool trusted = false;  // embedded
};

std::vector<LibraryText> embedded_library_texts();
// The *.d files of a directory, by name. A directory or file that cannot be read is passed over, as DTrace does.
std::vector<LibraryText> read_libraries(const std::string& directory);
// Those of a system directory, and of its subdirectory for the newest kernel (5.2, 6.1) that is not newer than the
// running one; a file of the subdirectory is instead of one of the same name above.
std::vector<LibraryText> read_system_libraries(const std::string& directory, std::string_view kernel_release);

// Whether there is a provider or module of that name; null: whatever is asked for is there, or may come to be.
using HasDependency = std::function<bool(std::string_view what, std::string_view name)>;

// Without those of ours that nothing in `texts`, or in the libraries that stay, has a use for: none of the names that
// they declare occurs. To compile them would only take time.
std::vector<LibraryText> needed_libraries(std::vector<LibraryText> libraries, std::span<const std::string_view> texts);

// In the order of their `depends_on library` pragmas; without those whose provider or module is missing, or that
// depend on such a one. The pragmas themselves are blanked out.
Result<std::vector<LibraryText>> order_libraries(std::vector<LibraryText> libraries, const HasDependency& has);

}  // namespace ht::d
