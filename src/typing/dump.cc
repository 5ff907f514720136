#include "typing/dump.h"

#include <fmt/format.h>

#include "dif/assembler.h"
#include "dif/walk.h"
#include "typing/infer.h"

namespace ht::typing {
namespace {

// "usetx DT_STRING[1], %r2 ! \"cred\"": one blank for several.
std::string instruction_text(const dif::Difo& difo, uint32_t at, const dif::Program& program) {
  std::string text;
  for (char c : dif::disassemble_instruction(difo.text[at], difo, &program)) {
    if (c == '\t') c = ' ';
    if (c != ' ' || (!text.empty() && text.back() != ' ')) text += c;
  }
  return fmt::format("{:02}: {}", at, text);
}

std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string numbers(std::string_view prefix, const std::vector<uint32_t>& list) {
  std::string text;
  for (uint32_t n : list) text += fmt::format("{}{}{}", text.empty() ? "" : " ", prefix, n);
  return text.empty() ? "none" : text;
}

// The definitions that instruction `at` uses, with the operand that each is.
std::vector<std::pair<std::string, NodeId>> inputs_of(const dif::Difo& difo, const Flow& flow, uint32_t at) {
  const Uses& uses = flow.uses[at];
  const Roles roles = roles_of(difo.text[at]);
  std::vector<std::pair<std::string, NodeId>> inputs;
  if (roles.uses_r1) inputs.emplace_back(fmt::format("%r{}", dif::r1_of(difo.text[at])), uses.r1);
  if (roles.uses_r2) inputs.emplace_back(fmt::format("%r{}", dif::r2_of(difo.text[at])), uses.r2);
  if (roles.uses_rd) inputs.emplace_back(fmt::format("%r{}", dif::rd_of(difo.text[at])), uses.rd);
  if (roles.uses_cc) inputs.emplace_back("cc", uses.cc);
  for (size_t i = 0; i < uses.tuple.size(); ++i) inputs.emplace_back(fmt::format("tuple[{}]", i), uses.tuple[i]);
  return inputs;
}

std::string node_name(NodeId node) {
  return node == kUndefined ? "undefined" : node == kZero ? "zero" : fmt::format("n{}", node);
}

class Dumper {
 public:
  Dumper(const dif::Program& program, const types::TypeFile* types, DumpKind kind, bool graphviz)
      : program_(program),
        types_(types),
        lattice_(types),
        kind_(kind),
        graphviz_(graphviz),
        variables_(infer_variables(program, types)) {
    if (types != nullptr) arguments_.emplace(*types);
  }

  std::string run() {
    if (graphviz_) line("digraph program {{\n  node [shape=box, fontname=monospace];");
    dif::for_each_placed_difo(program_,
                              [this](const dif::Difo& difo, const dif::DifoPlace& place) { one(difo, place); });
    if (!graphviz_ && kind_ == DumpKind::kTypes) variables();
    if (graphviz_) line("}}");
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_ += fmt::format(format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  void one(const dif::Difo& difo, const dif::DifoPlace& place) {
    const std::vector<dif::ProbeDesc>& probes = program_.clauses[place.clause - 1].probes;
    auto typed = infer(difo, {&program_, types_, &variables_.variables, &probes, arguments_ ? &*arguments_ : nullptr});
    if (!typed.ok()) {
      line("{}{}: {}", graphviz_ ? "  // " : "", place.text(), typed.error().message);
      return;
    }
    codes_.assign(difo.text.size(), false);
    for (size_t i = 0; i < difo.text.size(); ++i) codes_[i] = roles_of(difo.text[i]).defines_cc;
    if (graphviz_) {
      line("  subgraph cluster_{} {{\n    label=\"{}\";", count_, escaped(place.text()));
      kind_ == DumpKind::kCfg ? draw_cfg(difo, typed->flow) : draw_ifg(difo, *typed);
      line("  }}");
    } else {
      line("{}:", place.text());
      kind_ == DumpKind::kCfg ? write_cfg(difo, typed->flow) : write_ifg(difo, *typed);
    }
    ++count_;
  }

  // --- text

  void write_cfg(const dif::Difo& difo, const Flow& flow) {
    for (size_t b = 0; b < flow.blocks.size(); ++b) {
      const Block& block = flow.blocks[b];
      line("  block {}: from {}, to {}{}", b, numbers("", block.predecessors), numbers("", block.successors),
           block.reachable ? "" : ", unreachable");
      for (uint32_t i = block.begin; i < block.end; ++i) line("    {}", instruction_text(difo, i, program_));
    }
  }

  void write_ifg(const dif::Difo& difo, const TypedDifo& typed) {
    const Flow& flow = typed.flow;
    for (const Block& block : flow.blocks) {
      if (!block.reachable) continue;
      for (NodeId n = block.first_phi; n < block.last_phi; ++n) {
        std::string text;
        for (NodeId input : flow.nodes[n].inputs) text += (text.empty() ? "" : " ") + node_name(input);
        line("  {} = phi at {:02}{}: {}", node_name(n), block.begin, type_of(typed, n), text);
      }
      for (uint32_t i = block.begin; i < block.end; ++i) {
        std::string text;
        for (const auto& [operand, node] : inputs_of(difo, flow, i)) {
          text += fmt::format("{}{}={}", text.empty() ? "; " : " ", operand, node_name(node));
        }
        const NodeId result = flow.uses[i].result;
        line("  {}{}{}{}", result == kUndefined ? "" : node_name(result) + " = ", instruction_text(difo, i, program_),
             text, result == kUndefined ? "" : type_of(typed, result));
      }
    }
    if (kind_ != DumpKind::kTypes) return;
    line("  returns {}", spell(typed.result));
    for (const Problem& problem : typed.problems) line("  problem at {:02}: {}", problem.instruction, problem.message);
  }

  std::string type_of(const TypedDifo& typed, NodeId node) const {
    if (kind_ != DumpKind::kTypes) return {};
    const Node& n = typed.flow.nodes[node];
    return " : " + (n.kind == Node::Kind::kInstruction && n.at < codes_.size() && codes_[n.at]
                        ? std::string(typed.at(node).is_signed ? "signed comparison" : "unsigned comparison")
                        : spell(typed.at(node)));
  }

  // What has been reported already, and what nothing is assigned to, has no type to show.
  std::string spell(const Value& v) const {
    const std::string text = lattice_.spell(v);
    return text.empty() ? "unknown" : text;
  }

  void variables() {
    static constexpr std::string_view kPrefixes[] = {"", "self->", "this->"};
    for (const dif::VariableDef& def : program_.variables) {
      const auto found = variables_.variables.find({def.scope, def.id});
      const bool inferred = found != variables_.variables.end();
      std::string keys;
      for (size_t k = 0; k < def.keys.size(); ++k) {
        const bool open = inferred && k < found->second.keys.size() && def.keys[k].kind == dif::TypeKind::kUnknown;
        keys += (k == 0 ? "" : ", ") + spell(open ? found->second.keys[k] : lattice_.from_dif(def.keys[k]));
      }
      const bool open = inferred && def.type.kind == dif::TypeKind::kUnknown && def.type.name.empty();
      line("variable {}{}{} : {}", kPrefixes[static_cast<size_t>(def.scope) % std::size(kPrefixes)], def.name,
           keys.empty() ? "" : fmt::format("[{}]", keys),
           spell(open ? found->second.value : lattice_.from_dif(def.type)));
    }
    for (const Error& error : variables_.errors) line("problem: {}", error.message);
  }

  // --- Graphviz

  void draw_cfg(const dif::Difo& difo, const Flow& flow) {
    for (size_t b = 0; b < flow.blocks.size(); ++b) {
      std::string text;
      for (uint32_t i = flow.blocks[b].begin; i < flow.blocks[b].end; ++i) {
        text += escaped(instruction_text(difo, i, program_)) + "\\l";
      }
      line("    d{}b{} [label=\"{}\"];", count_, b, text);
      for (uint32_t next : flow.blocks[b].successors) line("    d{}b{} -> d{}b{};", count_, b, count_, next);
    }
  }

  void draw_edges(const std::string& to, const std::vector<std::pair<std::string, NodeId>>& inputs) {
    for (const auto& [operand, node] : inputs) {
      if (node == kUndefined) undefined_used_ = true;
      if (node == kZero) zero_used_ = true;
      line("    d{}{} -> {}{};", count_, node_name(node), to,
           operand.empty() ? "" : fmt::format(" [label=\"{}\"]", operand));
    }
  }

  void draw_ifg(const dif::Difo& difo, const TypedDifo& typed) {
    const Flow& flow = typed.flow;
    undefined_used_ = zero_used_ = false;
    for (const Block& block : flow.blocks) {
      if (!block.reachable) continue;
      for (NodeId n = block.first_phi; n < block.last_phi; ++n) {
        const std::string name = fmt::format("d{}{}", count_, node_name(n));
        line("    {} [label=\"phi at {:02}{}\"];", name, block.begin, escaped(type_of(typed, n)));
        for (NodeId input : flow.nodes[n].inputs) draw_edges(name, {{"", input}});
      }
      for (uint32_t i = block.begin; i < block.end; ++i) {
        const NodeId result = flow.uses[i].result;
        const auto inputs = inputs_of(difo, flow, i);
        if (result == kUndefined && inputs.empty()) continue;
        const std::string name =
            result != kUndefined ? fmt::format("d{}{}", count_, node_name(result)) : fmt::format("d{}i{}", count_, i);
        line("    {} [label=\"{}{}\"];", name, escaped(instruction_text(difo, i, program_)),
             result == kUndefined ? "" : escaped(type_of(typed, result)));
        draw_edges(name, inputs);
      }
    }
    if (undefined_used_) line("    d{}undefined [label=\"not written\"];", count_);
    if (zero_used_) line("    d{}zero [label=\"%r0\"];", count_);
  }

  const dif::Program& program_;
  const types::TypeFile* types_;
  const Lattice lattice_;
  const DumpKind kind_;
  const bool graphviz_;
  const VariablesResult variables_;
  std::optional<ProbeArguments> arguments_;
  size_t count_ = 0;         // DIFOs so far
  std::vector<bool> codes_;  // instructions of this one that define the condition codes
  bool undefined_used_ = false, zero_used_ = false;
  std::string out_;
};

}  // namespace

std::string dump(const dif::Program& program, const types::TypeFile* types, DumpKind kind, bool graphviz) {
  return Dumper(program, types, kind, graphviz).run();
}

}  // namespace ht::typing
