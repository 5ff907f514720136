#include "d/prototype.h"

#include <algorithm>
#include <iterator>

#include "dif/ids.h"

namespace ht::d {
namespace {

struct Prototype {
  dif::Subr subr;
  std::string_view parameters[3];
};
constexpr Prototype kPrototypes[] = {
    {dif::Subr::kMutexOwned, {"struct mutex *"}},
    {dif::Subr::kMutexOwner, {"struct mutex *"}},
    {dif::Subr::kMutexTypeAdaptive, {"struct mutex *"}},
    {dif::Subr::kMutexTypeSpin, {"struct mutex *"}},
    {dif::Subr::kRwReadHeld, {"rwlock_t *"}},
    {dif::Subr::kRwWriteHeld, {"rwlock_t *"}},
    {dif::Subr::kRwIswriter, {"rwlock_t *"}},
    {dif::Subr::kCopyin, {"uintptr_t", "size_t"}},
    {dif::Subr::kCopyinstr, {"uintptr_t", "size_t"}},
    {dif::Subr::kProgenyof, {"pid_t"}},
    {dif::Subr::kStrlen, {kTextParameter}},
    {dif::Subr::kCopyout, {"void *", "uintptr_t", "size_t"}},
    {dif::Subr::kCopyoutstr, {"char *", "uintptr_t", "size_t"}},
    {dif::Subr::kAlloca, {"size_t"}},
    {dif::Subr::kBcopy, {"void *", "void *", "size_t"}},
    {dif::Subr::kCopyinto, {"uintptr_t", "size_t", "void *"}},
    {dif::Subr::kGetmajor, {"dev_t"}},
    {dif::Subr::kGetminor, {"dev_t"}},
    {dif::Subr::kStrjoin, {kTextParameter, kTextParameter}},
    {dif::Subr::kLltostr, {"int64_t", "int"}},
    {dif::Subr::kBasename, {kTextParameter}},
    {dif::Subr::kDirname, {kTextParameter}},
    {dif::Subr::kCleanpath, {kTextParameter}},
    {dif::Subr::kStrchr, {kTextParameter, "char"}},
    {dif::Subr::kStrrchr, {kTextParameter, "char"}},
    {dif::Subr::kStrstr, {kTextParameter, kTextParameter}},
    {dif::Subr::kStrtok, {kTextParameter, kTextParameter}},
    {dif::Subr::kSubstr, {kTextParameter, "int", "int"}},
    {dif::Subr::kIndex, {kTextParameter, kTextParameter, "int"}},
    {dif::Subr::kRindex, {kTextParameter, kTextParameter, "int"}},
    {dif::Subr::kHtons, {"uint16_t"}},
    {dif::Subr::kHtonl, {"uint32_t"}},
    {dif::Subr::kHtonll, {"uint64_t"}},
    {dif::Subr::kNtohs, {"uint16_t"}},
    {dif::Subr::kNtohl, {"uint32_t"}},
    {dif::Subr::kNtohll, {"uint64_t"}},
    {dif::Subr::kInetNtop, {"int", "void *"}},
    {dif::Subr::kInetNtoa, {"ipaddr_t *"}},
    {dif::Subr::kInetNtoa6, {"struct in6_addr *", "int"}},
    {dif::Subr::kToupper, {kTextParameter}},
    {dif::Subr::kTolower, {kTextParameter}},
    {dif::Subr::kMemstr, {"void *", "char", "size_t"}},
    {dif::Subr::kJson, {kTextParameter, kTextParameter}},
    {dif::Subr::kStrtoll, {kTextParameter, "int"}},
    {dif::Subr::kDPath, {"struct path *"}},
    {dif::Subr::kLinkNtop, {"int", "void *"}},
};

constexpr dif::Subr kUnimplemented[] = {dif::Subr::kDdiPathname, dif::Subr::kMsgdsize, dif::Subr::kMsgsize};

}  // namespace

std::string_view parameter_type(uint16_t subroutine, size_t index) {
  const auto* row = std::find_if(std::begin(kPrototypes), std::end(kPrototypes), [&](const Prototype& prototype) {
    return static_cast<uint16_t>(prototype.subr) == subroutine;
  });
  const bool known = row != std::end(kPrototypes) && index < std::size(row->parameters);
  return known ? row->parameters[index] : std::string_view();
}

bool is_constant_parameter(uint16_t subroutine, size_t index) {
  return subroutine == static_cast<uint16_t>(dif::Subr::kInetNtoa6) && index == 1;
}

bool is_unimplemented(uint16_t subroutine) {
  return std::find(std::begin(kUnimplemented), std::end(kUnimplemented), static_cast<dif::Subr>(subroutine)) !=
         std::end(kUnimplemented);
}

}  // namespace ht::d
