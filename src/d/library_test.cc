// The order of libraries, and the embedded ones.
#include "d/library.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "d/compile.h"

namespace ht::d {
namespace {

std::string order(std::vector<LibraryText> libraries, const HasDependency& has = nullptr) {
  const auto sorted = order_libraries(std::move(libraries), has);
  if (!sorted.ok()) return sorted.error().message;
  std::string names;
  for (const LibraryText& library : *sorted) names += library.name + " ";
  return names;
}

TEST(Library, Order) {
  EXPECT_EQ(order({{"a.d", "#pragma D depends_on library b.d\n"}, {"b.d", ""}, {"c.d", ""}}), "b.d a.d c.d ");
  EXPECT_EQ(order({{"x/a.d", "  #\tpragma  D depends_on library b.d"}, {"y/b.d", ""}}), "y/b.d x/a.d ");
  EXPECT_EQ(order({{"x/a.d", "#pragma\tD depends_on library b.d"}, {"y/b.d", ""}}), "y/b.d x/a.d ");
  EXPECT_EQ(order({{"a.d", "#pragma D depends_on library a.d\n"}}), "Cyclical dependency detected: a.d => a.d");
  EXPECT_EQ(order({{"a.d", "#pragma D depends_on library q.d\n"}}), "Invalid library dependency in a.d: q.d");
}

TEST(Library, Dependencies) {
  const HasDependency has = [](std::string_view what, std::string_view name) {
    return what == "provider" && name == "here";
  };
  EXPECT_EQ(
      order({{"a.d", "#pragma D depends_on provider here\n"}, {"b.d", "#pragma D depends_on module here\n"}}, has),
      "a.d ");
  EXPECT_EQ(
      order({{"a.d", "#pragma D depends_on provider nowhere\n"}, {"b.d", "#pragma D depends_on library a.d\n"}}, has),
      "");
  EXPECT_EQ(order({{"a.d", "#pragma D depends_on provider nowhere\n"}}), "a.d ");
}

TEST(Library, PragmaLinesKeepTheirPlace) {
  const auto sorted = order_libraries({{"a.d", "one\n#pragma D depends_on provider p\ntwo"}}, nullptr);
  ASSERT_TRUE(sorted.ok());
  EXPECT_EQ((*sorted)[0].text, "one\n" + std::string(31, ' ') + "\ntwo");
}

TEST(Library, SystemDirectoryByKernelVersion) {
  const std::filesystem::path root = std::filesystem::path(testing::TempDir()) / "system_libraries";
  for (const char* file : {"a.d", "b.d", "5.2/b.d", "5.15/b.d", "5.15/c.d", "6.10/b.d", "old/b.d"}) {
    std::filesystem::create_directories((root / file).parent_path());
    std::ofstream(root / file) << "/* */\n";
  }
  const auto names = [&](std::string_view release) {
    std::string list;
    for (const LibraryText& library : read_system_libraries(root.string(), release)) {
      list += library.name.substr(root.string().size() + 1) + " ";
    }
    return list;
  };
  EXPECT_EQ(names("6.1.0-13-amd64"), "5.15/b.d 5.15/c.d a.d ");
  EXPECT_EQ(names("5.4.17"), "5.2/b.d a.d ");
  EXPECT_EQ(names("6.10"), "6.10/b.d a.d ");
  EXPECT_EQ(names("4.18.0"), "a.d b.d ");
  EXPECT_EQ(names(""), "a.d b.d ");
  std::filesystem::remove_all(root);
}

// What is embedded is taken on trust when dtrace starts: here it is checked.
TEST(Library, EmbeddedOnesAreRight) {
  CompileOptions options;
  options.hypertrace = true;
  options.libraries = embedded_library_texts();
  ASSERT_GT(options.libraries.size(), 5u);
  for (LibraryText& library : options.libraries) library.trusted = false;
  const CompileResult result = compile({{"BEGIN { exit(0); }", "BEGIN { exit(0); }", false}}, options);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.errors[0].where + result.errors[0].error.message);
}

TEST(Libraries, OfOursOnlyThoseWithANameInUse) {
  const auto names = [](std::string_view program) {
    std::string list;
    const std::string_view texts[] = {program};
    std::vector<LibraryText> libraries = {
        {"types.d", "typedef int t_t;\n", true},
        {"user.d", "#pragma D depends_on library types.d\ninline int USER = 1;\n", true},
        {"other.d", "typedef struct other {\n\tint o_a;\n} other_t;\ninline int f[int a] = a;\n", true},
        {"site.d", "inline int SITE = 1;\n", false}};
    for (const LibraryText& library : needed_libraries(libraries, texts)) list += library.name + " ";
    return list;
  };
  EXPECT_EQ(names("BEGIN { trace(1); }"), "site.d ");
  EXPECT_EQ(names("BEGIN { trace(USER); }"), "types.d user.d site.d ");
  EXPECT_EQ(names("BEGIN { trace(f[2]); }"), "other.d site.d ");
  EXPECT_EQ(names("struct other *p;"), "other.d site.d ");
  EXPECT_EQ(names("other_t o;"), "other.d site.d ");
  EXPECT_EQ(names("BEGIN { trace(USERS); o_a = 1; }"), "site.d ");
}

}  // namespace
}  // namespace ht::d
