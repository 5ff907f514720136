#include "daemon/options.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace ht::daemon {
namespace {

Result<Options> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "dtraced");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse_options(static_cast<int>(words.size()), argv.data());
}

class OptionsTest : public testing::Test {
 protected:
  void SetUp() override { ::unsetenv("DDTRACE_DIR"); }
};

TEST_F(OptionsTest, TheRoleMustBeSaid) {
  EXPECT_FALSE(parse({}).ok());
  EXPECT_FALSE(parse({"-O", "-m"}).ok());
  EXPECT_EQ(parse({"-O"})->role, Options::Role::kOverlord);
  EXPECT_EQ(parse({"--minion"})->role, Options::Role::kMinion);
}

TEST_F(OptionsTest, DirectoryComesFromTheOptionThenTheEnvironment) {
  EXPECT_EQ(parse({"-O"})->directory, "/var/ddtrace");
  EXPECT_FALSE(parse({"-O"})->own_directory);
  ::setenv("DDTRACE_DIR", "/some/where/", 1);
  EXPECT_EQ(parse({"-O"})->directory, "/some/where");
  EXPECT_TRUE(parse({"-O"})->own_directory);
  EXPECT_EQ(parse({"-O", "-D", "/else"})->directory, "/else");
  ::unsetenv("DDTRACE_DIR");
  EXPECT_FALSE(parse({"-O", "-D", "relative"}).ok());
}

TEST_F(OptionsTest, MistakesAreNamed) {
  EXPECT_NE(parse({"-O", "-x"}).error().message.find("-x"), std::string::npos);
  EXPECT_NE(parse({"-O", "--nonsense"}).error().message.find("--nonsense"), std::string::npos);
  EXPECT_NE(parse({"-O", "-D"}).error().message.find("argument"), std::string::npos);
  EXPECT_NE(parse({"-O", "more"}).error().message.find("more"), std::string::npos);
}

TEST_F(OptionsTest, HelpAndVersionNeedNothingElse) {
  EXPECT_TRUE(parse({"--help"})->help);
  EXPECT_TRUE(parse({"-V"})->version);
}

}  // namespace
}  // namespace ht::daemon
