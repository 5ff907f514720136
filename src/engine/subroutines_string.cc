// Subroutines on strings. Arguments are views, fetched into the machine's two buffers where they lie in the guest;
// results are made in scratch memory.
#include <algorithm>
#include <charconv>

#include "engine/machine.h"

namespace ht::engine {

using dif::Fault;
using dif::Subr;

namespace {

constexpr size_t kNowhere = std::string_view::npos;

std::string_view base_name(std::string_view path) {
  if (path.empty()) return ".";
  const size_t last = path.find_last_not_of('/');
  if (last == kNowhere) return "/";
  const size_t slash = path.find_last_of('/', last);
  const size_t first = slash == kNowhere ? 0 : slash + 1;
  return path.substr(first, last - first + 1);
}

std::string_view dir_name(std::string_view path) {
  const size_t last = path.find_last_not_of('/');
  if (last == kNowhere) return path.empty() ? "." : "/";
  const size_t slash = path.find_last_of('/', last);
  if (slash == kNowhere) return ".";
  const size_t end = path.find_last_not_of('/', slash);
  return end == kNowhere ? "/" : path.substr(0, end + 1);
}

// Removes "//", "/./" and "x/../" from `path` into `out` (as large); returns the length. Purely textual. A trailing
// "/.." leaves the slash of the parent, and ".." above the root is dropped.
size_t clean_path(std::string_view path, char* out) {
  if (path.size() <= 1) return path.copy(out, path.size());
  const bool absolute = path[0] == '/';
  const size_t begin = absolute ? 1 : 0;
  size_t size = path.copy(out, begin);
  size_t floor = size;  // what ".." cannot remove
  for (size_t at = begin; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, slash - at);
    const bool after_slash = absolute || at != 0, before_slash = slash < path.size();
    at = slash + 1;
    if (part.empty() || (part == "." && after_slash && before_slash)) continue;
    if (part == ".." && (absolute || size > floor)) {
      if (size > floor) --size;  // the slash behind the parent
      while (size > floor && out[size - 1] != '/') --size;
      continue;
    }
    size += part.copy(out + size, part.size());
    if (before_slash) out[size++] = '/';
    if (part == "..") floor = size;
  }
  return size;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

template <typename Change>
void change_case(std::string_view text, char* out, Change change) {
  std::transform(text.begin(), text.end(), out, change);
}

char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool Machine::text_arg(unsigned index, std::string_view* text) {
  return fetch_string(Space::kKernel, arg(index), text_[index].get(), strsize() - 1, text);
}

bool Machine::string_result(std::string_view text, Value* result) {
  char* room = string_room();
  if (room == nullptr) return false;
  text = text.substr(0, strsize() - 1);
  std::memmove(room, text.data(), text.size());
  *result = finish_string(text.size());
  return true;
}

// The rest of `text` from `position`, NULL if that is nowhere.
bool Machine::find_result(std::string_view text, size_t position, Value* result) {
  *result = {0, kTagAbsent};
  return position == kNowhere || string_result(text.substr(position), result);
}

bool Machine::call_string(Subr subroutine, Value* result) {
  if (subroutine == Subr::kLltostr) return lltostr(result);
  if (subroutine == Subr::kStrtok) return strtok(result);
  if (subroutine == Subr::kMemstr) return memstr(result);
  if (subroutine == Subr::kJson) return json(result);
  constexpr Subr kKnown[] = {Subr::kStrlen,    Subr::kStrjoin, Subr::kSubstr,  Subr::kIndex,    Subr::kRindex,
                             Subr::kStrchr,    Subr::kStrrchr, Subr::kStrstr,  Subr::kBasename, Subr::kDirname,
                             Subr::kCleanpath, Subr::kStrtoll, Subr::kToupper, Subr::kTolower};
  if (std::find(std::begin(kKnown), std::end(kKnown), subroutine) == std::end(kKnown)) return fail(Fault::kIllop);
  std::string_view text, other;
  if (!text_arg(0, &text)) return false;
  char* room = string_room();
  if (room == nullptr) return false;
  switch (subroutine) {
    case Subr::kStrlen:
      *result = {text.size()};
      return true;
    case Subr::kStrjoin: {
      if (!text_arg(1, &other)) return false;
      std::memcpy(room, text.data(), text.size());
      const size_t more = other.copy(room + text.size(), strsize() - 1 - text.size());
      *result = finish_string(text.size() + more);
      return true;
    }
    case Subr::kStrchr:
    case Subr::kStrrchr: {
      const char c = static_cast<char>(arg(1).bits);
      // As in C, the NUL at the end is found too.
      const size_t end = c == '\0' ? text.size() : kNowhere;
      const size_t position = subroutine == Subr::kStrchr ? text.find(c) : text.rfind(c);
      return find_result(text, std::min(position, end), result);
    }
    case Subr::kStrstr:
      return text_arg(1, &other) && find_result(text, text.find(other), result);
    case Subr::kBasename:
      return string_result(base_name(text), result);
    case Subr::kDirname:
      return string_result(dir_name(text), result);
    case Subr::kCleanpath:
      *result = finish_string(clean_path(text, room));
      return true;
    case Subr::kToupper:
    case Subr::kTolower:
      change_case(text, room, subroutine == Subr::kToupper ? to_upper : to_lower);
      *result = finish_string(text.size());
      return true;
    case Subr::kIndex:
      return search(false, result);
    case Subr::kRindex:
      return search(true, result);
    case Subr::kStrtoll:
      return strtoll(result);
    default:
      return substr(result);
  }
}

bool Machine::search(bool from_end, Value* result) {
  std::string_view text, sub;
  if (!text_arg(0, &text) || !text_arg(1, &sub)) return false;
  const bool has_start = tuple_size_ > 2;
  auto start = static_cast<int64_t>(arg(2).bits);
  size_t found = kNowhere;
  if (from_end) {
    if (!has_start) start = static_cast<int64_t>(text.size());
    if (start >= 0) found = text.rfind(sub, static_cast<size_t>(start));
  } else {
    if (!has_start || start < 0) start = 0;
    if (static_cast<uint64_t>(start) <= text.size()) found = text.find(sub, static_cast<size_t>(start));
  }
  *result = {found == kNowhere ? ~uint64_t{0} : found};
  return true;
}

// A negative index counts from the end; of [index, index + count) only what lies inside the string is taken. A negative
// count leaves off that many characters at the end.
bool Machine::substr(Value* result) {
  std::string_view text;
  if (!text_arg(0, &text)) return false;
  using Wide = __int128;
  const Wide size = static_cast<Wide>(text.size());
  Wide first = static_cast<int64_t>(arg(1).bits);
  if (first < 0) first += size;
  Wide end = size;
  if (tuple_size_ > 2) {
    const Wide count = static_cast<int64_t>(arg(2).bits);
    end = count < 0 ? size + count : first + count;
  }
  first = std::clamp<Wide>(first, 0, size);
  end = std::clamp<Wide>(end, first, size);
  return string_result(text.substr(static_cast<size_t>(first), static_cast<size_t>(end - first)), result);
}

// Bytes of any memory as a string: NULs become the separator.
bool Machine::memstr(Value* result) {
  constexpr uint64_t kMost = 4096;
  const uint64_t size = arg(2).bits;
  if (size > kMost) return fail(Fault::kBadsize, size);
  char* room = string_room();
  if (room == nullptr) return false;
  const uint64_t used = std::min<uint64_t>(size, strsize() - 1);
  Tag tag;
  if (!read(Space::kKernel, arg(0), room, used, &tag)) return false;
  std::replace(room, room + used, '\0', static_cast<char>(arg(1).bits));
  *result = finish_string(used);
  return true;
}

// The state belongs to one firing. Only a literal NULL continues: the 0 of an unset variable is a bad pointer.
bool Machine::strtok(Value* result) {
  std::string_view text, separators;
  const bool begins = arg(0).bits != 0 || arg(0).tag != kTagNone;
  if (begins) {
    if (!text_arg(0, &text)) return false;
    std::memmove(strtok_.get(), text.data(), text.size());
    strtok_size_ = static_cast<uint32_t>(text.size());
    strtok_at_ = 0;
    strtok_firing_ = firing_;
  } else if (strtok_firing_ != firing_) {
    return fail(Fault::kBadaddr);
  }
  if (!text_arg(1, &separators)) return false;
  const std::string_view whole(strtok_.get(), strtok_size_);
  const size_t first = whole.find_first_not_of(separators, strtok_at_);
  *result = {0, kTagAbsent};
  if (first == kNowhere) {
    strtok_at_ = strtok_size_;
    return true;
  }
  const size_t end = std::min(whole.find_first_of(separators, first), whole.size());
  strtok_at_ = static_cast<uint32_t>(std::min(end + 1, whole.size()));
  return string_result(whole.substr(first, end - first), result);
}

bool Machine::lltostr(Value* result) {
  const uint64_t value = arg(0).bits;
  const int64_t base = tuple_size_ > 1 ? static_cast<int64_t>(arg(1).bits) : 10;
  if (base < 2 || base > 36) return fail(Fault::kIllop);
  char digits[80];
  char* start = digits;
  if (base == 16) {
    *start++ = '0';
    *start++ = 'x';
  } else if (base == 8) {
    *start++ = '0';
  }
  char* const limit = digits + sizeof digits;
  const auto done = base == 10 ? std::to_chars(start, limit, static_cast<int64_t>(value))
                               : std::to_chars(start, limit, value, static_cast<int>(base));
  return string_result({digits, static_cast<size_t>(done.ptr - digits)}, result);
}

bool Machine::strtoll(Value* result) {
  std::string_view text;
  if (!text_arg(0, &text)) return false;
  const int64_t base = tuple_size_ > 1 ? static_cast<int64_t>(arg(1).bits) : 10;
  if (base < 2 || base > 36) return fail(Fault::kIllop);
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (base == 16 && text.size() > 2 && text[0] == '0' && to_lower(text[1]) == 'x' && digit_of(text[2]) < 16) {
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  for (const char c : text) {
    if (digit_of(c) >= base) break;
    value = value * static_cast<uint64_t>(base) + static_cast<uint64_t>(digit_of(c));
  }
  *result = {negative ? 0 - value : value};
  return true;
}

}  // namespace ht::engine
