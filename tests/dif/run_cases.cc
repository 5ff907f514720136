// The program dif_cases: every case of every file as a test of its own, by every judge; a check that no instruction
// and no subroutine is without a case; and random programs.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>

#include "judge.h"
#include "random_programs.h"

namespace ht::dif::cases {
namespace {

class CaseTest : public ::testing::Test {
 public:
  CaseTest(const Case& c, const Judge& judge) : case_(c), judge_(judge) {}
  void TestBody() override {
    EXPECT_EQ(judge_.judge(case_), "") << case_.file << ":" << case_.line << ": " << case_.name;
  }

 private:
  const Case& case_;
  const Judge& judge_;
};

class Completeness : public ::testing::Test {
 public:
  Completeness(const std::vector<Case>& cases, bool subroutines) : cases_(cases), subroutines_(subroutines) {}

  void TestBody() override {
    std::set<std::string> covered;
    for (const Case& c : cases_) {
      if (contains_its_subject(c)) covered.insert(c.about);
    }
    if (subroutines_) {
      for (const SubrInfo& subr : kSubroutines) {
        EXPECT_TRUE(covered.contains(std::string(subr.name))) << "no case calls " << subr.name;
      }
      return;
    }
    for (const OpInfo& op : kOpInfo) {
      if (op.mnemonic.empty()) continue;
      EXPECT_TRUE(covered.contains(std::string(op.mnemonic))) << "no case is about " << op.mnemonic;
    }
  }

 private:
  static bool contains_its_subject(const Case& c) {
    uint32_t prologue = 0;
    const Result<Difo> difo = assemble_case(c, &prologue);
    if (!difo.ok()) return false;
    return std::any_of(difo.value().text.begin(), difo.value().text.end(), [&](Instr i) {
      if (info_of(i).mnemonic == c.about) return true;
      const SubrInfo* subr = op_of(i) == Op::kCall ? find_subroutine(static_cast<uint16_t>(index_of(i))) : nullptr;
      return subr != nullptr && subr->name == c.about;
    });
  }

  const std::vector<Case>& cases_;
  const bool subroutines_;
};

class RandomPrograms : public ::testing::Test {
 public:
  void TestBody() override {
    constexpr unsigned kWanted = 500;
    EXPECT_EQ(run_random_programs(kWanted), kWanted);
  }
};

std::vector<Case> all_cases() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(CASES_DIRECTORY)) {
    if (entry.path().extension() == ".cases") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Case> cases;
  for (const std::string& path : paths) {
    Result<std::vector<Case>> read = read_cases(path);
    if (!read.ok()) {
      std::cerr << read.error().message << '\n';
      std::exit(2);
    }
    cases.insert(cases.end(), read.value().begin(), read.value().end());
  }
  return cases;
}

void register_case(const Case& c, const Judge& judge) {
  const std::string group = c.file.substr(0, c.file.find('.'));
  std::string name = "line" + std::to_string(c.line) + "_" + c.about + "_" + std::string(judge.name);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char ch) { return std::isalnum(ch) == 0; }, '_');
  ::testing::RegisterTest(group.c_str(), name.c_str(), nullptr, c.name.c_str(), __FILE__, __LINE__,
                          [&c, &judge]() -> ::testing::Test* { return new CaseTest(c, judge); });
}

void register_completeness(const std::vector<Case>& cases, bool subroutines) {
  ::testing::RegisterTest("completeness", subroutines ? "subroutines" : "instructions", nullptr, nullptr, __FILE__,
                          __LINE__,
                          [&cases, subroutines]() -> ::testing::Test* { return new Completeness(cases, subroutines); });
}

}  // namespace
}  // namespace ht::dif::cases

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  using namespace ht::dif::cases;  // NOLINT: main
  const std::vector<Case> cases = all_cases();
  for (const Case& c : cases) {
    for (const Judge& judge : judges()) register_case(c, judge);
  }
  register_completeness(cases, false);
  register_completeness(cases, true);
  ::testing::RegisterTest("random", "programs", nullptr, nullptr, __FILE__, __LINE__,
                          []() -> ::testing::Test* { return new RandomPrograms; });
  return RUN_ALL_TESTS();
}
