// Reads and checks a BTF blob into a BtfFile. One use: BtfLoader(file).load().
#pragma once

#include <vector>

#include "types/btf_file.h"

namespace ht::types {

class BtfLoader {
 public:
  explicit BtfLoader(BtfFile& file) : f_(file) {}
  Result<void> load();

 private:
  Result<void> read_header();
  Result<void> scan_records();      // where each record begins; shapes, names
  Result<void> check_references();  // every type id that a record names
  Result<void> check_nesting();     // sizes and depths; by-value cycles
  Result<void> check_pointers();    // cycles of pointers, typedefs and arrays alone
  Result<void> build_index();

  Result<void> check_record(TypeId id, const btf::Record& record, const uint8_t* body);
  Result<void> check_name(TypeId id, uint32_t offset, bool required);
  Result<void> check_reference(TypeId id, const BtfFile::View& v);
  Result<void> check_value_type(TypeId id, TypeId target, const char* what);
  Result<void> visit(TypeId root);
  Result<void> finish(TypeId id, const BtfFile::View& v);
  static TypeId member_type(const BtfFile::View& v, unsigned index);
  TypeId value_edge(const BtfFile::View& v, unsigned index) const;  // 0: no more

  BtfFile& f_;
  size_t types_at_ = 0, types_len_ = 0;
  size_t named_ = 0, enumerators_ = 0;
  std::vector<uint8_t> name_fine_;  // per offset in the string section: a name that has passed check_name()

  struct Frame {
    TypeId id;
    unsigned next;
  };
  std::vector<uint8_t> colour_;  // 0 new, 1 on the stack, 2 done
  std::vector<Frame> stack_;
};

}  // namespace ht::types
