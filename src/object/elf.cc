// The two archives that the schema is run with, and the checks around them.
#include "object/elf.h"

#include <algorithm>
#include <unordered_map>

#include "object/container.h"
#include "object/schema.h"

namespace ht::object {
namespace {

// Objects may name one long text many times; together they may not be made into more than this.
constexpr size_t kMaxTextBytes = kMaxObjectBytes;

class Writer {
 public:
  Writer() { out(Section::kStrings).u8(0); }

  void version(Section s) { out(s).u32(kVersion); }

  template <typename Wire, typename V>
  void number(Section s, const V& value) {
    out(s).write(static_cast<Wire>(value));
  }
  template <typename Wire, typename V>
  void enumeration(Section s, const V& value, unsigned) {
    out(s).write(static_cast<Wire>(value));
  }
  // Equal texts are stored once, in order of first use, with a NUL behind each for readelf -p.
  void text(Section s, const std::string& value) {
    uint32_t offset = 0;
    if (!value.empty()) {
      ByteWriter& strings = out(Section::kStrings);
      const auto [known, is_new] = texts_.emplace(value, static_cast<uint32_t>(strings.size()));
      offset = known->second;
      if (is_new) {
        strings.bytes(as_bytes(value));
        strings.u8(0);
      }
    }
    out(s).u32(offset);
    out(s).u32(static_cast<uint32_t>(value.size()));
  }
  template <typename V, typename F>
  void list(Section s, Section elements, const V& values, F&& each) {
    out(s).u32(static_cast<uint32_t>(values.size()));
    all(elements, values, each);
  }
  void bytes(Section s, Section elements, const std::string& value) {
    out(s).u32(static_cast<uint32_t>(value.size()));
    out(elements).bytes(as_bytes(value));
  }
  template <typename V, typename F>
  void all(Section, const V& values, F&& each) {
    for (const auto& value : values) each(value);
  }

  std::array<Bytes, kSectionCount> take() {
    std::array<Bytes, kSectionCount> result;
    for (size_t i = 0; i < kSectionCount; ++i) result[i] = sections_[i].take();
    return result;
  }

 private:
  ByteWriter& out(Section s) { return sections_[static_cast<size_t>(s)]; }

  std::array<ByteWriter, kSectionCount> sections_;
  std::unordered_map<std::string, uint32_t> texts_;
};

// The first thing that is wrong is kept; from then on everything reads as zero and lists as empty.
class Reader {
 public:
  explicit Reader(const std::array<ByteView, kSectionCount>& sections) : strings_(sections[index(Section::kStrings)]) {
    for (const ByteView& section : sections) readers_.emplace_back(section);
  }

  void version(Section s) { in(s).u32(); }  // read_container has looked at it

  template <typename Wire, typename V>
  void number(Section s, V& value) {
    const Wire wire = read<Wire>(s);
    value = static_cast<V>(wire);
    if (static_cast<Wire>(value) != wire) fail(s, "a number is out of range");
  }
  template <typename Wire, typename V>
  void enumeration(Section s, V& value, unsigned limit) {
    const Wire wire = read<Wire>(s);
    value = static_cast<V>(wire);
    if (static_cast<Wire>(value) != wire || (limit != 0 && wire >= limit)) {
      fail(s, "unknown kind " + std::to_string(wire));
      value = V{};
    }
  }
  void text(Section s, std::string& value) {
    const uint32_t offset = read<uint32_t>(s);
    const uint32_t length = read<uint32_t>(s);
    if (offset > strings_.size() || length > strings_.size() - offset) {
      fail(s, "a text lies outside " + std::string(info(Section::kStrings).name));
    } else if (length > kMaxTextBytes - text_bytes_) {
      fail(s, "too much text");
    } else {
      text_bytes_ += length;
      value.assign(reinterpret_cast<const char*>(strings_.data()) + offset, length);
    }
  }
  template <typename V, typename F>
  void list(Section s, Section elements, V& values, F&& each) {
    const uint32_t count = read<uint32_t>(s);
    if (count > in(elements).remaining() / info(elements).record) {
      fail(s, "a list is longer than section " + std::string(info(elements).name));
      return;
    }
    fill(count, values, each);
  }
  void bytes(Section s, Section elements, std::string& value) {
    const uint32_t length = read<uint32_t>(s);
    if (length > in(elements).remaining()) {
      fail(s, "a table is longer than section " + std::string(info(elements).name));
      return;
    }
    const ByteView bytes = in(elements).take(length);
    value.assign(bytes.begin(), bytes.end());
  }
  template <typename V, typename F>
  void all(Section s, V& values, F&& each) {
    fill(in(s).remaining() / info(s).record, values, each);
  }

  // Called at the end: whether everything was there, and nothing else.
  Result<void> finish() {
    for (size_t i = 0; i < kSectionCount; ++i) {
      const auto section = static_cast<Section>(i);
      if (section != Section::kStrings && readers_[i].remaining() != 0) fail(section, "holds more than is referred to");
    }
    if (failure_.empty()) return {};
    return Error("ELF object: " + failure_);
  }

 private:
  static constexpr size_t index(Section s) { return static_cast<size_t>(s); }
  ByteReader& in(Section s) { return readers_[index(s)]; }

  template <typename Wire>
  Wire read(Section s) {
    if (!failure_.empty()) return 0;
    const Wire value = in(s).read<Wire>();
    if (!in(s).ok()) fail(s, "is too short");
    return in(s).ok() ? value : 0;
  }

  template <typename V, typename F>
  void fill(size_t count, V& values, F&& each) {
    values.clear();
    for (size_t i = 0; i < count && failure_.empty(); ++i) each(values.emplace_back());
  }

  void fail(Section s, const std::string& what) {
    if (failure_.empty()) failure_ = "section " + std::string(info(s).name) + ": " + what;
  }

  std::vector<ByteReader> readers_;
  ByteView strings_;
  size_t text_bytes_ = 0;
  std::string failure_;
};

}  // namespace

Bytes write(const dif::Program& program) {
  Writer writer;
  program_fields(writer, program);
  return write_container(writer.take());
}

Result<dif::Program> read(ByteView object) {
  ASSIGN_OR_RETURN(const auto sections, read_container(object));
  Reader reader(sections);
  dif::Program program;
  program_fields(reader, program);
  RETURN_IF_ERROR(reader.finish());
  // What is left would be padding, order of texts, unused header fields: none of it may carry anything.
  const Bytes canonical = write(program);
  if (!std::equal(canonical.begin(), canonical.end(), object.begin(), object.end())) {
    return Error("ELF object: its bytes are not those that its program is written as");
  }
  return program;
}

}  // namespace ht::object
