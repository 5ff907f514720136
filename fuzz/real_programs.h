// What the fuzz targets of typing and linking begin with: programs as people write them, compiled as for guests, and
// the miniature kernel whose types they use. A fuzz input is a list of changes to them, so that it gets behind the
// first checks at once.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "d/compile.h"
#include "typing/sample_types.h"

namespace ht::fuzz {

inline constexpr const char* kPrograms[] = {
    "syscall:::entry { @[vmname, execname] = count(); }",
    "syscall:::entry { @[curthread->cred->uid.val, curthread->cred->gid] = count(); }",
    "syscall:::entry { self->t = curthread; self->n = curthread->numbers[arg0]; }"
    "syscall:::return /self->t/ { trace(self->t->pid); @[self->t->comm] = quantize(self->n); self->t = 0; }",
    "syscall:::entry /curthread->policy == 1 && curthread->nice < 0/ { printf(\"%d %s %x\", curthread->nice, "
    "stringof(curthread->parent->comm), curthread->jobctl); }",
    "struct pair { int a; long b; } p; syscall:::entry { p.a = curthread->pid; p.b = curthread->stime / 3; trace(p.b); "
    "}",
    "syscall:::entry { seen[curthread->comm, (pid_t)arg0] = ((struct file *)arg1)->f_name.name; "
    "trace(seen[curthread->comm, 1]); print(curthread->cred->usage); }",
    "syscall:::entry { this->f = curthread->files; trace(this->f->f_name); trace(this->f->f_mode >> 2); "
    "@a[this->f] = avg(this->f->f_pos); tracemem(curthread, 16); }",
    "syscall:::entry { x = arg0 ? curthread->parent : curthread; trace(x->state); trace(&x->cred->uid); "
    "y = alloca(8); bcopy(x, y, 8); if (x->in_execve) { trace(x->opaque); } else { trace(x->anything); } }",
    "syscall:::entry /defined(struct task_struct, none) || curthread->state == DEAD/ { trace(sizeof "
    "(curthread->comm)); "
    "if (defined(struct cred, uid)) { @n[sizeof (struct cred)] = count(); } else { trace(curthread->none); } "
    "trace((enum state)RUNNING); trace(offsetof(struct task_struct, cred)); trace((curthread + 1)->pid); }",
    "fbt::do_file:entry { trace(args[0]->f_mode); trace(args[1]); self->f = args[0]; }"
    "fbt::do_*:return /args[1] < 0/ { trace(self->f->f_pos); print(self->f); }"
    "rawtp:sched::task_event { @[args[0]->comm, args[1]] = count(); }",
    "syscall:::entry { trace(curthread->parent - curthread); trace(curthread->numbers - curthread->numbers); "
    "trace(curthread->jobctl - curthread->pid); tracemem(curthread, sizeof (struct cred) + 8, arg1); "
    "trace((int64_t)curthread->jobctl / 2); trace(strlen(curthread->comm)); trace(stringof(curthread->cred)); }",
};

inline const std::vector<dif::Program>& programs() {
  static const std::vector<dif::Program> all = [] {
    std::vector<dif::Program> compiled;
    for (const char* text : kPrograms) {
      d::CompileOptions options;
      options.hypertrace = true;
      d::CompileResult result = d::compile({{text, text, false, d::DescContext::kName}}, options);
      if (!result.ok()) std::abort();
      compiled.push_back(std::move(result.program));
    }
    return compiled;
  }();
  return all;
}

// A list of changes, five bytes each: offset (3 bytes, little-endian), value, how (0 replaces, others add).
inline void change(Bytes& bytes, const uint8_t* data, size_t size) {
  if (bytes.empty()) return;
  for (; size >= 5; data += 5, size -= 5) {
    uint8_t& place = bytes[(data[0] | data[1] << 8 | data[2] << 16) % bytes.size()];
    place = static_cast<uint8_t>(data[4] == 0 ? data[3] : place + data[3]);
  }
}

// The types of the miniature kernel with those changes; null if they are refused, as most are.
inline std::shared_ptr<const types::TypeFile> changed_types(const uint8_t* data, size_t size) {
  static const std::shared_ptr<const types::TypeFile> good = typing::sample_types();
  if (size < 5) return good;
  Bytes btf = typing::sample_btf();
  change(btf, data, size);
  auto file = types::TypeFile::from_btf(btf);
  return file.ok() ? *file : nullptr;
}

}  // namespace ht::fuzz
