// Types of any code at all: the flow graph of a DIFO is well formed, inference ends, and its lattice keeps its laws on
// every value that comes up.
//
// Input: which program, how many changes (five bytes each) are to the types; those; then changes to the code, six bytes
// each: which DIFO, what to do, and an instruction (4 bytes, little-endian) that replaces, or is put before, another.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "d/compile.h"
#include "dif/verify.h"
#include "real_programs.h"
#include "types/type_file.h"
#include "typing/dump.h"
#include "typing/infer.h"
#include "typing/sample_types.h"

namespace {

using namespace ht;
using typing::Value;
using typing::ValueKind;

void check(bool holds) {
  if (!holds) std::abort();
}

// Names that code may refer to beside its own.
void add_vocabulary(dif::Difo& difo) {
  for (const char* name : {"pid",
                           "cred",
                           "uid",
                           "val",
                           "comm",
                           "numbers",
                           "policy",
                           "nice",
                           "files",
                           "f_name",
                           "[]",
                           "sizeof(struct cred)",
                           "offsetof(struct cred, gid)",
                           "enum(DEAD)",
                           "defined(struct cred, uid)",
                           "defined(struct none)",
                           "sizeof(struct task_struct, cred.uid)",
                           "struct file *",
                           "struct task_struct",
                           "pid_t",
                           "string",
                           "char *",
                           "no_such_t"}) {
    difo.strings.append(name, std::strlen(name) + 1);
  }
}

void change(dif::Program& program, const uint8_t* data, size_t size) {
  std::vector<dif::Difo*> difos;
  dif::for_each_difo(program, [&](dif::Difo& difo) { difos.push_back(&difo); });
  for (dif::Difo* difo : difos) add_vocabulary(*difo);
  for (; size >= 6; data += 6, size -= 6) {
    dif::Difo& difo = *difos[data[0] % difos.size()];
    const auto instruction = static_cast<dif::Instr>(data[2] | data[3] << 8 | data[4] << 16) | uint32_t{data[5]} << 24;
    const size_t at = (data[1] >> 1) % difo.text.size();
    if ((data[1] & 1) != 0) {
      difo.text.insert(difo.text.begin() + static_cast<ptrdiff_t>(at), instruction);
    } else {
      difo.text[at] = instruction;
    }
  }
}

void check_flow(const dif::Difo& difo, const typing::Flow& flow) {
  check(flow.uses.size() == difo.text.size() && flow.block_of.size() == difo.text.size());
  for (size_t b = 0; b < flow.blocks.size(); ++b) {
    check(flow.blocks[b].begin < flow.blocks[b].end);
    for (uint32_t next : flow.blocks[b].successors) check(next > b);
  }
  for (typing::NodeId n = 0; n < flow.nodes.size(); ++n) {
    for (typing::NodeId input : flow.nodes[n].inputs) check(input < n);
  }
}

// The same type, whichever of its names it goes by.
bool alike(const typing::Lattice& lattice, const Value& a, const Value& b) {
  const typing::IntView x = lattice.int_view(a), y = lattice.int_view(b);
  if (x.arithmetic && y.arithmetic) return x.size == y.size && x.is_signed == y.is_signed;
  return lattice.same(a, b);
}

void check_laws(const typing::Lattice& lattice, const Value& a, const Value& b) {
  check(alike(lattice, lattice.join(a, a), a));
  const Value joined = lattice.join(a, b);
  check(alike(lattice, joined, lattice.join(b, a)));
  check(alike(lattice, lattice.join(joined, a), joined) && alike(lattice, lattice.join(joined, b), joined));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  dif::Program program = fuzz::programs()[data[0] % fuzz::programs().size()];
  const size_t type_bytes = std::min<size_t>(data[1] * size_t{5}, size - 2);
  const auto types = fuzz::changed_types(data + 2, type_bytes);
  change(program, data + 2 + type_bytes, size - 2 - type_bytes);

  const typing::VariablesResult variables = typing::infer_variables(program, types.get());
  const typing::Lattice lattice(types.get());
  std::optional<typing::ProbeArguments> arguments;
  if (types != nullptr) arguments.emplace(*types);
  dif::for_each_placed_difo(program, [&](const dif::Difo& difo, const dif::DifoPlace& place) {
    const Result<typing::TypedDifo> typed =
        typing::infer(difo, {&program, types.get(), &variables.variables, &program.clauses[place.clause - 1].probes,
                             arguments ? &*arguments : nullptr});
    if (!typed.ok()) {
      // What the verifier accepts can be typed.
      check(!dif::verify(difo, program, dif::Stage::kCompiled).ok());
      return;
    }
    check_flow(difo, typed->flow);
    check(typed->nodes.size() == typed->flow.nodes.size());
    for (const Value& v : typed->nodes) {
      (void)lattice.spell(v);
      if (auto type = lattice.to_dif(v); type.ok()) check(type->kind != dif::TypeKind::kUnknown);
    }
    check(typed->live.size() == typed->flow.blocks.size());
    const size_t some = std::min<size_t>(typed->nodes.size(), 24);
    for (size_t i = 0; i < some; ++i) {
      for (size_t j = 0; j < i; ++j) check_laws(lattice, typed->nodes[i], typed->nodes[j]);
    }
  });
  for (const auto kind : {typing::DumpKind::kCfg, typing::DumpKind::kTypes}) {
    check(typing::dump(program, types.get(), kind, (data[0] & 0x80) != 0).size() < 64u << 20);
  }
  return 0;
}
