// A kernel in miniature for the tests of typing and link: the types that the reference programs use.
#pragma once

#include <memory>

#include "types/btf_builder.h"
#include "types/combined_types.h"
#include "types/module_search.h"
#include "types/type_file.h"

namespace ht::typing {

inline Bytes sample_btf() {
  using types::Kind;
  types::BtfBuilder b;
  const auto int_id = b.integer("int", 4, true);
  const auto char_id = b.integer("char", 1, true);
  const auto uint_id = b.integer("unsigned int", 4, false);
  const auto ulong_id = b.integer("long unsigned int", 8, false);
  const auto long_id = b.integer("long int", 8, true);
  const auto u16_id = b.alias("u16", b.integer("short unsigned int", 2, false));
  const auto uid_t_id = b.alias("uid_t", uint_id);
  const auto pid_t_id = b.alias("pid_t", int_id);
  const auto kuid = b.alias("kuid_t", b.structure("", 4, {{"val", uid_t_id, 0}}));
  const auto cred = b.structure("cred", 168, {{"usage", long_id, 0}, {"uid", kuid, 64}, {"gid", uint_id, 96}});
  const auto cred_ptr = b.pointer(b.reference(Kind::kConst, cred));
  const auto comm = b.array(char_id, 16);
  const auto state = b.enumeration("state", {{"RUNNING", 0}, {"DEAD", -3}}, true);
  const auto name = b.structure("qstr", 16, {{"hash", uint_id, 0}, {"name", b.pointer(char_id), 64}});
  const auto file = b.structure("file", 64, {{"f_pos", long_id, 0}, {"f_name", name, 64}, {"f_mode", u16_id, 192}});
  const auto opaque = b.reference(Kind::kFwd, 0, "opaque");
  const auto numbers = b.array(ulong_id, 4);
  const auto self = b.next() + 1;
  const auto task_ptr = b.pointer(self);
  b.structure("task_struct", 70000 + 128,
              {{"pid", pid_t_id, 0},
               {"comm", comm, 32},
               {"in_execve", uint_id, 160, 1},
               {"policy", uint_id, 161, 3},
               {"nice", int_id, 164, 5},
               {"cred", cred_ptr, 192},
               {"parent", task_ptr, 256},
               {"state", state, 320},
               {"jobctl", ulong_id, 384},
               {"files", b.next() + 1, 448},   // struct file *
               {"opaque", b.next() + 2, 512},  // struct opaque *
               {"numbers", numbers, 576},
               {"anything", b.next() + 3, 832},  // void *
               {"stime", long_id, 896}});
  b.pointer(file);
  b.pointer(opaque);
  b.pointer(0);
  b.section(".data..percpu", {b.with_word(Kind::kVar, "cpu_number", u16_id, 1)});
  const auto file_ptr = b.pointer(file);
  b.reference(Kind::kFunc, b.prototype(long_id, {{"file", file_ptr}, {"mode", u16_id}, {"by_value", name}, {"", 0}}),
              "do_file");
  b.alias("btf_trace_task_event",
          b.pointer(b.prototype(0, {{"data", b.pointer(0)}, {"task", task_ptr}, {"n", int_id}})));
  return b.build();
}

inline std::shared_ptr<const types::TypeFile> sample_types() {
  auto file = types::TypeFile::from_btf(sample_btf());
  return file.ok() ? *file : nullptr;
}

// A module of that kernel, "ext": a struct that vmlinux only declares, some of its own, a variable and a function.
inline Bytes sample_module_btf() {
  using types::Kind;
  const Bytes kernel_blob = sample_btf();
  const auto kernel = types::TypeFile::from_btf(kernel_blob).value();
  const auto strings = static_cast<uint32_t>(types::btf_strings(kernel_blob)->size());
  types::BtfBuilder b(static_cast<types::TypeId>(kernel->count()), strings);
  const auto int_id = kernel->find(Kind::kInt, "int").value();
  const auto uint_id = kernel->find(Kind::kInt, "unsigned int").value();
  const auto task_ptr = b.pointer(kernel->find(Kind::kStruct, "task_struct").value());
  const auto state = b.enumeration("ext_state", {{"EXT_IDLE", 0}, {"EXT_BUSY", 7}});
  b.structure("opaque", 32, {{"marks", b.array(uint_id, 3), 0}, {"left", uint_id, 96, 3}, {"right", int_id, 99, 5}});
  const auto inode =
      b.structure("ext_inode", 48, {{"number", uint_id, 64}, {"owner", task_ptr, 128}, {"state", state, 192}});
  b.alias("ext_t", inode);
  b.section(".data", {b.with_word(Kind::kVar, "ext_root", b.pointer(inode), 1)});
  b.reference(Kind::kFunc, b.prototype(int_id, {{"inode", b.pointer(inode)}}), "ext_open");
  return b.build();
}

inline types::CombinedTypes sample_types_with_module() {
  auto kernel = sample_types();
  auto module = types::TypeFile::from_btf(sample_module_btf(), kernel);
  if (!module.ok()) return types::CombinedTypes(kernel);
  return types::CombinedTypes(kernel, {{"ext", *module}});
}

}  // namespace ht::typing
