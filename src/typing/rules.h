// The typing rules, one function for each TypeRule of the instruction table. A pass over one DIFO in order of
// addresses. docs/typing.md states what each of them means.
#pragma once

#include "dif/ids.h"
#include "typing/infer.h"

namespace ht::typing {

inline constexpr std::string_view kTypeTag = "D_TYPE_ERR";
inline constexpr std::string_view kMemberTag = "D_TYPE_MEMBER";
inline constexpr std::string_view kArgumentTag = "D_PROTO_ARG";

class Rules {
 public:
  Rules(const dif::Difo& difo, const Context& context, TypedDifo& out)
      : difo_(difo), context_(context), lattice_(context.types), out_(out) {}
  void run();

 private:
  void phi(const Block& block, NodeId node);
  void leave(uint32_t block);
  bool edge_is_live(uint32_t from, uint32_t to) const;
  std::optional<bool> decided(uint32_t branch) const;

  // The judgement of each rule: the type of what instruction `i` defines, bottom if it defines nothing.
#define X(rule, name) Value name(uint32_t i);
  HT_TYPE_RULES(X)
#undef X

  // rules.cc: arithmetic
  Value sum(uint32_t i, bool adds);
  Value integers(uint32_t i, const Value& a, const Value& b);
  Value compared(const Value& a, const Value& b) const;
  std::optional<uint64_t> folded(uint32_t i) const;
  bool is_address(const Value& v) const;

  // rules_memory.cc: members, elements, loads
  Value add_member(uint32_t i, const Value& base, const Value& member);
  Value add_element(uint32_t i, const Value& pointer, const Value& element);
  Value divide_by_element(uint32_t i, const Value& element);
  std::optional<uint64_t> element_size(uint32_t at, const Value& pointer, std::string_view verb);
  Value load_of(uint32_t i, const Lattice::Pointee& target, const Value& pointer);

  // rules_symbols.cc: numbers that these types know
  struct Place;  // where a path of members leads
  std::string follow(Place& place, const Value& type, std::string_view path) const;
  Value number(uint32_t i, uint64_t value, Value type);
  Value enumerator(uint32_t i, std::string_view name);

  // rules_variables.cc: variables, tuples, calls
  Value builtin(uint16_t id) const;
  std::vector<Value> tuple(uint32_t i) const;
  const Value& pushed(NodeId entry, uint32_t* where) const;
  bool fits(const Value& argument, std::string_view parameter) const;
  // Says so if a value that the compiler did not know stands where a string is wanted.
  bool fits_text(const Value& v) const;
  void check_text(uint32_t i, const Value& v);

  void bind(uint32_t usetx, uint64_t value, uint32_t user);
  Value problem(uint32_t i, std::string_view tag, std::string message, std::string hint = {});
  // Says why a value cannot be looked into; silent when that was said already.
  Value unusable(uint32_t i, const Value& v, const std::string& purpose);
  std::string_view text_at(uint32_t offset) const;

  dif::Op op(uint32_t i) const {
    return dif::op_of(difo_.text[i]);
  }
  const Value& r1(uint32_t i) const {
    return out_.nodes[out_.flow.uses[i].r1];
  }
  const Value& r2(uint32_t i) const {
    return out_.nodes[out_.flow.uses[i].r2];
  }
  const Value& rd(uint32_t i) const {
    return out_.nodes[out_.flow.uses[i].rd];
  }
  // The instruction that alone defines a node, if it is that one.
  std::optional<uint32_t> defined_by(NodeId node, dif::Op op) const;

  const dif::Difo& difo_;
  const Context& context_;
  Lattice lattice_;
  TypedDifo& out_;
  std::vector<uint32_t> only_successor_;  // by block; kBoth where a branch is not decided
};

}  // namespace ht::typing
