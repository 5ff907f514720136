// The typing rules, one function for each TypeRule of the instruction table. A pass over one DIFO in order of
// addresses.
#pragma once

#include "typing/infer.h"

namespace ht::typing {

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
  Value step(uint32_t i);

  Value constant(uint32_t i) const;
  Value symbol(uint32_t i);
  // Where a path of members leads.
  struct Place {
    types::TypeId type = 0;
    unsigned pointers = 0;
    std::optional<types::MemberRef> last;
  };
  std::string follow(Place& place, const Value& type, std::string_view path) const;
  Value number(uint32_t i, uint64_t value, Value type);
  Value additive(uint32_t i);
  Value add_member(uint32_t i, const Value& base, const Value& member);
  Value add_element(uint32_t i, const Value& pointer, const Value& element);
  Value shift(uint32_t i);
  Value integers(uint32_t i, const Value& a, const Value& b);
  Value comparison(const Value& a, const Value& b) const;
  Value fixed_load(uint32_t i) const;
  Value symbolic_load(uint32_t i);
  Value load_of(uint32_t i, const Lattice::Pointee& target, const Value& pointer);
  Value cast(uint32_t i);
  Value variable_load(uint32_t i);
  Value builtin(uint16_t id) const;
  void variable_store(uint32_t i);
  Value call(uint32_t i) const;
  std::vector<Value> tuple(uint32_t i) const;

  void bind(uint32_t usetx, uint64_t value, uint32_t user);
  Value problem(uint32_t i, std::string_view tag, std::string message, std::string hint = {});
  // Says why a value cannot be looked into; silent when that was said already.
  Value unusable(uint32_t i, const Value& v, const std::string& purpose);
  std::string_view text_at(uint32_t offset) const;

  const Value& r1(uint32_t i) const { return out_.nodes[out_.flow.uses[i].r1]; }
  const Value& r2(uint32_t i) const { return out_.nodes[out_.flow.uses[i].r2]; }
  const Value& rd(uint32_t i) const { return out_.nodes[out_.flow.uses[i].rd]; }

  const dif::Difo& difo_;
  const Context& context_;
  Lattice lattice_;
  TypedDifo& out_;
  std::vector<uint32_t> only_successor_;  // by block; kBoth where a branch is not decided
};

}  // namespace ht::typing
