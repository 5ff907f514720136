// Layouts of records and aggregation bins: one packer for both.
#include "dif/layout.h"

#include <algorithm>
#include <limits>

namespace ht::dif {
namespace {

constexpr uint64_t kMaxOffset = std::numeric_limits<uint32_t>::max();

uint64_t round_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

struct Shape {
  uint64_t size = 0;
  uint64_t alignment = 1;
};

// stack(), sym() and their like, by kind; size 0 for other kinds. `param` is frames | strsize << 32.
Shape special_shape(ActionKind kind, uint64_t param) {
  const uint64_t frames = param & 0xffffffff;
  switch (kind) {
    case ActionKind::kStack:
      return {8 + frames * 8, 8};
    case ActionKind::kUstack:
    case ActionKind::kJstack:
      return {8 + frames * 8 + (param >> 32), 8};
    case ActionKind::kSym:
    case ActionKind::kMod:
    case ActionKind::kUsym:
    case ActionKind::kUmod:
    case ActionKind::kUaddr:
      return {16, 8};
    default:
      return {};
  }
}

Shape value_shape(const Type& type, uint32_t strsize) {
  if (type.kind == TypeKind::kUnknown) return {8, 8};
  if (type.kind == TypeKind::kString) return {type.size != 0 ? type.size : strsize, 1};
  if ((type.flags & (Type::kByRef | Type::kByUserRef)) != 0) return {type.size, 1};
  if (type.is_void()) return {};
  const uint64_t size = type.size == 1 || type.size == 2 || type.size == 4 ? type.size : 8;
  return {size, size};
}

// Appends fields one after another. Offsets saturate instead of wrapping around: the verifier refuses such programs.
class Packer {
 public:
  Packer(uint64_t start, uint32_t strsize) : offset_(start), strsize_(strsize) {}

  void add(Field field, Shape shape) {
    offset_ = std::min(round_up(offset_, shape.alignment), kMaxOffset);
    field.offset = static_cast<uint32_t>(offset_);
    field.size = static_cast<uint32_t>(std::min(shape.size, kMaxOffset));
    offset_ = std::min(offset_ + shape.size, kMaxOffset);
    fields_.push_back(std::move(field));
  }

  // Argument `arg` of `action` as its own kind says: a value or a stack or symbol.
  void add_argument(uint32_t index, const Action& action, size_t arg) {
    Field field{.action = index, .arg = static_cast<uint32_t>(arg), .type = action.args[arg].rtype};
    if (arg < action.arg_kinds.size()) field.kind = action.arg_kinds[arg];
    Shape shape = special_shape(field.kind, arg < action.arg_params.size() ? action.arg_params[arg] : 0);
    if (shape.size == 0) {
      field.kind = ActionKind::kDifexpr;
      shape = value_shape(field.type, strsize_);
    }
    add(std::move(field), shape);
  }

  uint32_t padded_size() const { return static_cast<uint32_t>(std::min(round_up(offset_, 8), kMaxOffset - 7)); }
  std::vector<Field> take() { return std::move(fields_); }

 private:
  uint64_t offset_;
  uint32_t strsize_;
  std::vector<Field> fields_;
};

bool has_control_flow(const Clause& clause) {
  return std::any_of(clause.actions.begin(), clause.actions.end(), [](const Action& action) {
    return action.kind == ActionKind::kBranchFalse || action.kind == ActionKind::kJump;
  });
}

bool records(const Action& action) {
  switch (action.kind) {
    case ActionKind::kDifexpr:
      return action.record;
    case ActionKind::kExit:
    case ActionKind::kPrintf:
    case ActionKind::kPrinta:
    case ActionKind::kLibact:
    case ActionKind::kTracemem:
    case ActionKind::kPrint:
    case ActionKind::kSystem:
    case ActionKind::kFreopen:
    case ActionKind::kStack:
    case ActionKind::kUstack:
    case ActionKind::kJstack:
    case ActionKind::kSym:
    case ActionKind::kMod:
    case ActionKind::kUsym:
    case ActionKind::kUmod:
    case ActionKind::kUaddr:
    case ActionKind::kSpeculate:
    case ActionKind::kCommit:
    case ActionKind::kDiscard:
      return true;
    default:
      return false;
  }
}

void add_action(Packer& packer, uint32_t index, const Action& action) {
  if (const Shape special = special_shape(action.kind, action.param); special.size != 0) {
    Field field{.action = index, .kind = action.kind};
    if (!action.args.empty()) field.type = action.args[0].rtype;
    packer.add(std::move(field), special);
    return;
  }
  for (size_t arg = 0; arg < action.args.size(); ++arg) {
    switch (action.kind) {
      case ActionKind::kExit:
      case ActionKind::kSpeculate:
      case ActionKind::kCommit:
      case ActionKind::kDiscard:
        packer.add({.action = index, .arg = static_cast<uint32_t>(arg), .type = Type::integer(4, true, "int")}, {4, 4});
        break;
      case ActionKind::kTracemem:
        if (arg == 0) {
          Field field{.action = index, .type = action.args[0].rtype, .kind = ActionKind::kTracemem};
          packer.add(std::move(field), {action.param, 1});
          break;
        }
        [[fallthrough]];
      default:
        packer.add_argument(index, action, arg);
    }
  }
}

}  // namespace

const Field* RecordLayout::field(uint32_t action, uint32_t arg) const {
  for (const Field& candidate : fields) {
    if (candidate.action == action && candidate.arg == arg) return &candidate;
  }
  return nullptr;
}

RecordLayout record_layout(const Clause& clause, uint32_t strsize) {
  RecordLayout layout;
  layout.recorded = clause.actions.empty() || std::any_of(clause.actions.begin(), clause.actions.end(), records);
  if (!layout.recorded) return layout;
  layout.has_presence = has_control_flow(clause);
  Packer packer(layout.has_presence ? round_up(clause.actions.size(), 8) : 0, strsize);
  for (uint32_t index = 0; index < clause.actions.size(); ++index) {
    const Action& action = clause.actions[index];
    if (records(action)) add_action(packer, index, action);
  }
  layout.size = packer.padded_size();
  layout.fields = packer.take();
  return layout;
}

AggregationLayout aggregation_layout(const Action& action, const AggregationDef& def, uint32_t strsize) {
  AggregationLayout layout;
  Packer packer(0, strsize);
  const size_t keys = std::min<size_t>(action.keys, action.args.size());
  for (size_t key = 0; key < keys; ++key) packer.add_argument(0, action, key);
  layout.key_size = packer.padded_size();
  layout.keys = packer.take();
  switch (def.function) {
    case ActionKind::kAvg:
      layout.value_words = 2;
      break;
    case ActionKind::kStddev:
      layout.value_words = 4;
      break;
    case ActionKind::kQuantize:
      layout.value_words = kQuantizeBuckets;
      break;
    case ActionKind::kLquantize:
      layout.value_words = decode_lquantize(def.param).levels + 2u;
      break;
    case ActionKind::kLlquantize:
      layout.value_words = llquantize_bins(decode_llquantize(def.param));
      break;
    default:
      layout.value_words = 1;
  }
  return layout;
}

}  // namespace ht::dif
