// Every program of the language tests that compiles, through the object format and back: one program has one object,
// and reading and writing it again changes no byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "d/compile.h"
#include "link/link.h"
#include "object/elf.h"

namespace ht::object {
namespace {

// The sections of a case (tests/d/run says what they are).
std::map<std::string, std::string> sections_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::map<std::string, std::string> sections;
  std::string line, name;
  while (std::getline(in, line)) {
    if (line.starts_with("--- ")) {
      name = line.substr(4);
    } else {
      sections[name] += line + "\n";
    }
  }
  return sections;
}

d::CompileResult compile(const std::map<std::string, std::string>& sections, bool guests) {
  const auto options = sections.find("options");
  const bool is_file = options != sections.end() && options->second.find("script.d") != std::string::npos;
  d::CompileOptions settings;
  settings.hypertrace = guests;
  settings.macro_arguments = {"script.d"};
  settings.defaultargs = true;  // what a case gives as arguments is not known here
  settings.macro_values = {{"pid", 4711}, {"target", 17}, {"uid", 0}, {"gid", 0}, {"ppid", 1}};
  settings.options["nolibs"] = "";  // they would only repeat the same work two thousand times
  const std::string& text = sections.at("input");
  return d::compile({{is_file ? "script.d" : text, text, is_file, d::DescContext::kName}}, settings);
}

TEST(EveryProgram, HasOneObject) {
  std::vector<std::filesystem::path> cases;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(HT_D_CASES)) {
    if (entry.path().extension() == ".test") cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  size_t compiled = 0, linked_count = 0;
  for (const auto& path : cases) {
    const auto sections = sections_of(path);
    if (!sections.contains("input") || sections.at("input").size() > 100'000) continue;
    // Alternately as for this machine and as for guests: the same text, with other things left open.
    const bool guests = (cases.size() + compiled) % 2 == 0;
    const d::CompileResult first = compile(sections, guests);
    if (!first.ok()) continue;
    ++compiled;
    const Bytes object = write(first.program);
    const Result<dif::Program> back = read(object);
    ASSERT_TRUE(back.ok()) << path << ": " << back.error().message;
    EXPECT_TRUE(*back == first.program) << path;
    EXPECT_EQ(write(*back), object) << path;
    if (compiled % 4 == 0) {  // that takes as long again
      const d::CompileResult second = compile(sections, guests);
      ASSERT_TRUE(second.ok()) << path;
      EXPECT_EQ(write(second.program), object) << path << ": compiling twice makes two objects";
    }
    if (link::needs_types(first.program)) continue;
    const link::LinkResult linked = link::link(first.program, nullptr, {});
    if (!linked.ok()) continue;
    ++linked_count;
    const Bytes linked_object = write(linked.program);
    const Result<dif::Program> linked_back = read(linked_object);
    ASSERT_TRUE(linked_back.ok()) << path << ": " << linked_back.error().message;
    EXPECT_EQ(write(*linked_back), linked_object) << path;
  }
  // Enough of them that this means something.
  EXPECT_GT(compiled, 1200u) << "of " << cases.size() << " cases";
  EXPECT_GT(linked_count, 1000u);
}

}  // namespace
}  // namespace ht::object
