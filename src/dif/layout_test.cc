#include "dif/layout.h"

#include <gtest/gtest.h>

#include <limits>

namespace ht::dif {
namespace {

Difo value(Type type) {
  Difo difo;
  difo.rtype = std::move(type);
  return difo;
}

Action action(ActionKind kind, std::vector<Type> types = {}) {
  Action result;
  result.kind = kind;
  for (Type& type : types) result.args.push_back(value(std::move(type)));
  result.arg_kinds.assign(result.args.size(), ActionKind::kDifexpr);
  result.arg_params.assign(result.args.size(), 0);
  return result;
}

Type i(uint32_t size) {
  return Type::integer(size, true, "int");
}

TEST(RecordLayout, FieldsFollowEachOtherAligned) {
  Clause clause;
  clause.actions.push_back(action(ActionKind::kPrintf, {i(1), i(4), Type::string(), i(8)}));
  const RecordLayout layout = record_layout(clause, 13);
  EXPECT_TRUE(layout.recorded);
  EXPECT_FALSE(layout.has_presence);
  ASSERT_EQ(layout.fields.size(), 4u);
  EXPECT_EQ(layout.fields[0].offset, 0u);
  EXPECT_EQ(layout.fields[1].offset, 4u);
  EXPECT_EQ(layout.fields[2].offset, 8u);
  EXPECT_EQ(layout.fields[2].size, 13u);
  EXPECT_EQ(layout.fields[3].offset, 24u);
  EXPECT_EQ(layout.size, 32u);
  EXPECT_EQ(layout.field(0, 3), &layout.fields[3]);
  EXPECT_EQ(layout.field(1, 0), nullptr);
}

TEST(RecordLayout, WhatIsRecorded) {
  Clause clause;
  EXPECT_TRUE(record_layout(clause, 256).recorded) << "the default action";
  clause.actions.push_back(action(ActionKind::kDifexpr, {i(8)}));
  EXPECT_FALSE(record_layout(clause, 256).recorded) << "a plain expression";
  clause.actions.push_back(action(ActionKind::kCount));
  EXPECT_FALSE(record_layout(clause, 256).recorded) << "an aggregation";
  clause.actions[0].record = true;
  const RecordLayout layout = record_layout(clause, 256);
  EXPECT_TRUE(layout.recorded) << "trace()";
  EXPECT_EQ(layout.size, 8u);
}

TEST(RecordLayout, ControlFlowAddsAPresenceByteForEachAction) {
  Clause clause;
  for (int n = 0; n < 9; ++n) clause.actions.push_back(action(ActionKind::kPrintf, {i(8)}));
  clause.actions[0] = action(ActionKind::kBranchFalse, {i(4)});
  const RecordLayout layout = record_layout(clause, 256);
  EXPECT_TRUE(layout.has_presence);
  EXPECT_EQ(layout.fields[0].offset, 16u);
  EXPECT_EQ(layout.size, 16u + 8 * 8);
}

TEST(RecordLayout, StacksAndSymbols) {
  Clause clause;
  Action stack = action(ActionKind::kStack);
  stack.param = 5;
  Action ustack = action(ActionKind::kUstack);
  ustack.param = 3 | uint64_t{100} << 32;
  clause.actions = {stack, ustack, action(ActionKind::kSym, {i(8)}), action(ActionKind::kUaddr, {i(8)})};
  const RecordLayout layout = record_layout(clause, 256);
  ASSERT_EQ(layout.fields.size(), 4u);
  EXPECT_EQ(layout.fields[0].size, 8u + 40);
  EXPECT_EQ(layout.fields[1].size, 8u + 24 + 100);
  EXPECT_EQ(layout.fields[2].size, 16u);
  EXPECT_EQ(layout.fields[3].size, 16u);
  EXPECT_EQ(layout.fields[3].kind, ActionKind::kUaddr);
  EXPECT_EQ(layout.fields[2].offset % 8, 0u);
}

TEST(AddressOwner, IsOneWord) {
  const AddressOwner owner{0x1234, 0xfffe, 0x89abcdef};
  EXPECT_EQ(owner.word(), 0x1234fffe89abcdefu);
  EXPECT_EQ(AddressOwner::of(owner.word()), owner);
  EXPECT_EQ(AddressOwner{}.word(), 0u) << "this machine's kernel";
}

TEST(RecordLayout, TracememAndExit) {
  Clause clause;
  Action tracemem = action(ActionKind::kTracemem, {i(8), i(4)});
  tracemem.param = 33;
  clause.actions = {tracemem, action(ActionKind::kExit, {i(8)})};
  const RecordLayout layout = record_layout(clause, 256);
  EXPECT_EQ(layout.fields[0].size, 33u);
  EXPECT_EQ(layout.fields[1].offset, 36u);
  EXPECT_EQ(layout.fields[2].size, 4u) << "the status is 32 bits, whatever the expression";
}

TEST(RecordLayout, HugeSizesSaturate) {
  Clause clause;
  Type huge{TypeKind::kD, CKind::kStruct, Type::kByRef, std::numeric_limits<uint32_t>::max(), "struct huge"};
  clause.actions = {action(ActionKind::kPrintf, {huge, huge, i(8)})};
  EXPECT_GT(record_layout(clause, 256).size, 0xfffffff0u);
}

TEST(RecordLayout, UnlinkedTypesHaveAPlace) {
  Clause clause;
  clause.actions = {action(ActionKind::kPrintf, {Type::unknown()})};
  EXPECT_EQ(record_layout(clause, 256).size, 8u);
}

TEST(AggregationLayout, KeysThenValues) {
  Action count = action(ActionKind::kLquantize, {Type::string(), i(4), i(8), i(8)});
  count.keys = 3;
  count.arg_kinds[2] = ActionKind::kStack;
  count.arg_params[2] = 4;
  AggregationDef def;
  def.function = ActionKind::kLquantize;
  def.param = encode_lquantize({.base = -5, .levels = 10, .step = 2});
  const AggregationLayout layout = aggregation_layout(count, def, 10);
  ASSERT_EQ(layout.keys.size(), 3u);
  EXPECT_EQ(layout.keys[1].offset, 12u);
  EXPECT_EQ(layout.keys[2].offset, 16u);
  EXPECT_EQ(layout.keys[2].size, 8u + 32);
  EXPECT_EQ(layout.key_size, 56u);
  EXPECT_EQ(layout.value_words, 12u);
}

TEST(Quantize, EveryLabelIsInItsOwnBucket) {
  for (uint32_t bucket = 0; bucket < kQuantizeBuckets; ++bucket) {
    EXPECT_EQ(quantize_bucket(quantize_label(bucket)), bucket);
  }
  EXPECT_EQ(quantize_label(126), int64_t{1} << 62);
  EXPECT_EQ(quantize_label(0), -(int64_t{1} << 62));
}

TEST(Quantize, ValuesBetweenLabels) {
  EXPECT_EQ(quantize_label(quantize_bucket(3)), 2);
  EXPECT_EQ(quantize_label(quantize_bucket(-3)), -2);
  EXPECT_EQ(quantize_bucket(std::numeric_limits<int64_t>::max()), 126u);
  EXPECT_EQ(quantize_bucket(std::numeric_limits<int64_t>::min()), 0u);
}

TEST(Lquantize, Buckets) {
  const LquantizeParam param{.base = -10, .levels = 4, .step = 5};
  EXPECT_EQ(lquantize_bucket(-11, param), 0u);
  EXPECT_EQ(lquantize_bucket(-10, param), 1u);
  EXPECT_EQ(lquantize_bucket(-1, param), 2u);
  EXPECT_EQ(lquantize_bucket(9, param), 4u);
  EXPECT_EQ(lquantize_bucket(10, param), 5u);
  EXPECT_EQ(lquantize_bucket(std::numeric_limits<int64_t>::max(), param), 5u);
  const LquantizeParam back = decode_lquantize(encode_lquantize(param));
  EXPECT_EQ(back.base, param.base);
  EXPECT_EQ(back.levels, param.levels);
  EXPECT_EQ(back.step, param.step);
}

TEST(Llquantize, BucketsByTheReference) {
  // factor 10, magnitudes 0 to 2, 10 steps: 9 bins for each magnitude.
  const LlquantizeParam param{.factor = 10, .lmag = 0, .hmag = 2, .steps = 10};
  ASSERT_TRUE(valid_llquantize(param));
  const uint32_t bins = llquantize_bins(param);
  EXPECT_EQ(bins, 2u * 3 * 9 + 3);
  const uint32_t middle = (bins - 1) / 2;
  EXPECT_EQ(llquantize_bucket(0, param), middle);
  EXPECT_EQ(llquantize_bucket(1, param), middle + 1);
  EXPECT_EQ(llquantize_bucket(9, param), middle + 9);
  EXPECT_EQ(llquantize_bucket(10, param), middle + 10);
  EXPECT_EQ(llquantize_bucket(19, param), middle + 10);
  EXPECT_EQ(llquantize_bucket(20, param), middle + 11);
  EXPECT_EQ(llquantize_bucket(999, param), middle + 27);
  EXPECT_EQ(llquantize_bucket(1000, param), bins - 1);
  EXPECT_EQ(llquantize_bucket(-20, param), middle - 11);
  EXPECT_EQ(llquantize_bucket(std::numeric_limits<int64_t>::min(), param), 0u);
}

TEST(Llquantize, EveryValueIsInRangeForOddParameters) {
  for (uint16_t factor = 2; factor < 20; ++factor) {
    for (uint16_t steps = 1; steps < 200; ++steps) {
      for (uint16_t lmag = 0; lmag < 3; ++lmag) {
        const LlquantizeParam param{
            .factor = factor, .lmag = lmag, .hmag = static_cast<uint16_t>(lmag + 2), .steps = steps};
        if (!valid_llquantize(param)) continue;
        uint32_t last = (llquantize_bins(param) - 1) / 2;
        for (int64_t v = 0; v < 10000; v += 1 + v / 50) {
          const uint32_t bucket = llquantize_bucket(v, param);
          ASSERT_LT(bucket, llquantize_bins(param));
          ASSERT_GE(bucket, last) << "buckets grow with the value";
          last = bucket;
        }
      }
    }
  }
}

TEST(Llquantize, InvalidParameters) {
  EXPECT_FALSE(valid_llquantize({.factor = 1, .lmag = 0, .hmag = 1, .steps = 1}));
  EXPECT_FALSE(valid_llquantize({.factor = 10, .lmag = 2, .hmag = 1, .steps = 10}));
  EXPECT_FALSE(valid_llquantize({.factor = 10, .lmag = 0, .hmag = 19, .steps = 10})) << "10^20 > 2^64";
  EXPECT_FALSE(valid_llquantize({.factor = 10, .lmag = 0, .hmag = 1, .steps = 30}));
  EXPECT_FALSE(valid_llquantize({.factor = 10, .lmag = 0, .hmag = 1, .steps = 0}));
  EXPECT_TRUE(valid_llquantize({.factor = 2, .lmag = 0, .hmag = 63, .steps = 2})) << "2^64 itself is allowed";
  EXPECT_EQ(llquantize_bins({}), 0u);
}

}  // namespace
}  // namespace ht::dif
