// A type file: one kernel's types, read from BTF. Immutable once read; share by pointer between threads.
// Source of the format: the kernel's Documentation/bpf/btf.rst. What is read comes from guests: every offset, index and
// length is checked, cycles are found, and a file that lies yields an Error and never a crash or unbounded work.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace ht::types {

using TypeId = uint32_t;  // 0 is void

enum class Kind : uint8_t {
  kVoid = 0,
  kInt = 1,
  kPtr = 2,
  kArray = 3,
  kStruct = 4,
  kUnion = 5,
  kEnum = 6,
  kFwd = 7,
  kTypedef = 8,
  kVolatile = 9,
  kConst = 10,
  kRestrict = 11,
  kFunc = 12,
  kFuncProto = 13,
  kVar = 14,
  kDatasec = 15,
  kFloat = 16,
  kDeclTag = 17,
  kTypeTag = 18,
  kEnum64 = 19,
};

// A member found by name, also inside anonymous structs and unions.
struct MemberRef {
  TypeId type = 0;
  uint64_t bit_offset = 0;     // from the start of the outermost struct
  uint32_t bitfield_size = 0;  // bits; 0: not a bit-field
};

// A member as declared: of a struct or union, or a parameter of a function prototype (no offset).
struct Member {
  std::string_view name;  // empty: anonymous
  TypeId type = 0;
  uint64_t bit_offset = 0;
  uint32_t bitfield_size = 0;
};

class TypeFile {
 public:
  // `base` is the vmlinux file for split (module) BTF, and must outlive the result's users (it is kept).
  static Result<std::shared_ptr<const TypeFile>> from_btf(ByteView btf, std::shared_ptr<const TypeFile> base = nullptr);
  // Same, reading /sys/kernel/btf/vmlinux or another file.
  static Result<std::shared_ptr<const TypeFile>> from_file(const std::string& path,
                                                           std::shared_ptr<const TypeFile> base = nullptr);

  virtual ~TypeFile() = default;

  virtual const std::string& hash() const = 0;  // SHA-256 of the blob, hex
  virtual size_t count() const = 0;             // ids are 0 .. count() - 1

  virtual Kind kind(TypeId id) const = 0;  // kVoid for ids out of range
  virtual std::string_view name(TypeId id) const = 0;
  virtual TypeId target(TypeId id) const = 0;  // pointer, typedef, cv, array element, var, func's proto; else 0
  virtual uint32_t array_length(TypeId id) const = 0;
  virtual bool is_signed(TypeId id) const = 0;  // of an int or enum, after strip()
  // Size in bytes; nullopt for void, functions, forward declarations and impossible types.
  virtual std::optional<uint64_t> size(TypeId id) const = 0;
  // Through typedefs, const, volatile, restrict, type tags.
  virtual TypeId strip(TypeId id) const = 0;

  // By tag or name: find(kStruct, "task_struct"), find(kTypedef, "pid_t"), find(kInt, "int").
  virtual std::optional<TypeId> find(Kind kind, std::string_view name) const = 0;
  // Of one module; empty: of any, vmlinux first. Types that a module shares with vmlinux are vmlinux's and found in
  // both; variables and functions (kVar, kFunc) are one module's own. A file of one module alone is whatever module is
  // named, but for variables and functions: those of vmlinux are no other's.
  virtual std::optional<TypeId> find_in(std::string_view module, Kind kind, std::string_view name) const = 0;
  // A C spelling such as "struct task_struct *", "pid_t", "unsigned int", "char *", "struct mod`inode". Pointer types
  // need not exist in the file as such: returns the base type and the number of '*'.
  struct Spelled {
    TypeId base = 0;
    unsigned pointers = 0;
  };
  std::optional<Spelled> find_spelling(std::string_view text) const;

  virtual std::optional<MemberRef> member(TypeId struct_or_union, std::string_view name) const = 0;
  virtual std::vector<std::string_view> member_names(TypeId struct_or_union) const = 0;  // for "did you mean"
  virtual std::vector<Member> members(TypeId struct_or_union) const = 0;                 // in order of declaration
  virtual std::vector<Member> parameters(TypeId func_proto) const = 0;
  virtual std::optional<int64_t> enumerator(std::string_view name) const = 0;
  struct Enumerator {
    std::string_view name;
    int64_t value = 0;
  };
  virtual std::vector<Enumerator> enumerators(TypeId enumeration) const = 0;  // in order of declaration

  virtual std::string spell(TypeId id) const = 0;  // "struct task_struct *"
};

}  // namespace ht::types
