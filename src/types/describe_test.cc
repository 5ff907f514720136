#include "types/describe.h"

#include <gmock/gmock.h>

#include "types/btf_builder.h"

namespace ht::types {
namespace {

using testing::HasSubstr;

std::shared_ptr<const TypeFile> sample() {
  BtfBuilder b;
  const TypeId number = b.integer("int", 4, true);
  const TypeId inner = b.composite(Kind::kUnion, "", 4, {{"a", number, 0}});
  const TypeId s = b.structure("s", 12, {{"n", number, 0}, {"low", number, 33, 2}, {"", inner, 64}});
  b.alias("s_t", s);
  b.enumeration("colour", {{"RED", -1}, {"GREEN", 5}}, true);
  b.with_word(Kind::kVar, "counter", number, 1);
  b.reference(Kind::kFunc, b.prototype(number, {{"x", number}}), "twice");
  b.reference(Kind::kFwd, 0, "hidden");
  return TypeFile::from_btf(b.build()).value();
}

TEST(Describe, StructsWithOffsetsAndSizes) {
  const auto types = sample();
  EXPECT_EQ(describe(*types, "struct s").value(),
            "struct s {\n"
            "         0      4  int n\n"
            "       4.1     :2  int low\n"
            "         8      4  union (anonymous)\n"
            "}  /* 12 bytes */\n");
  EXPECT_THAT(describe(*types, "s_t").value(), testing::StartsWith("typedef struct s s_t\nstruct s {\n"));
}

TEST(Describe, EverythingElseThatHasAName) {
  const auto types = sample();
  EXPECT_EQ(describe(*types, "enum colour").value(), "enum colour {\n  RED = -1\n  GREEN = 5\n}  /* 4 bytes */\n");
  EXPECT_EQ(describe(*types, "int").value(), "int  /* 4 bytes */\n");
  EXPECT_EQ(describe(*types, "struct s **").value(), "struct s **  /* 8 bytes */\n");
  EXPECT_EQ(describe(*types, "counter").value(), "counter: int\n");
  EXPECT_THAT(describe(*types, "twice").value(), HasSubstr("twice: int"));
  EXPECT_THAT(describe(*types, "struct hidden").value(), HasSubstr("only declared"));
  EXPECT_THAT(describe(*types, "struct nothing").error().message, HasSubstr("struct nothing"));
}

TEST(Describe, SummaryCountsKinds) {
  const std::string text = summary(*sample());
  EXPECT_THAT(text, HasSubstr(" 1 structs\n"));
  EXPECT_THAT(text, HasSubstr(" 1 unions\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("floats")));
}

}  // namespace
}  // namespace ht::types
