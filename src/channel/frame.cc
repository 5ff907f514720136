#include "channel/frame.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ht::channel {
namespace {

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xedb88320u ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}();

Bytes header_for(ByteView payload) {
  ByteWriter writer;
  writer.u32(kFrameMagic);
  writer.u32(static_cast<uint32_t>(payload.size()));
  writer.u32(crc32(payload));
  writer.u32(crc32(writer.data()));
  return writer.take();
}

}  // namespace

uint32_t crc32(ByteView data) {
  uint32_t value = ~0u;
  for (uint8_t byte : data) value = kCrcTable[(value ^ byte) & 0xff] ^ (value >> 8);
  return ~value;
}

Bytes encode_frame(ByteView payload) {
  Bytes frame = header_for(payload);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Bytes encode_frame(const google::protobuf::MessageLite& message) {
  std::string payload;
  message.SerializeToString(&payload);
  return encode_frame(as_bytes(payload));
}

void FrameDecoder::feed(ByteView data) {
  if (start_ > 0 && start_ >= buffer_.size() / 2) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(start_));
    start_ = 0;
  }
  buffer_.insert(buffer_.end(), data.begin(), data.end());
}

std::optional<Bytes> FrameDecoder::next() {
  while (find_magic() && pending() >= kFrameHeader) {
    const ByteView view = ByteView(buffer_).subspan(start_);
    ByteReader header(view);
    header.skip(4);
    const uint32_t length = header.u32();
    const uint32_t check = header.u32();
    if (header.u32() != crc32(view.first(12)) || length > limit_) {
      skip(1);
      continue;
    }
    if (view.size() - kFrameHeader < length) return std::nullopt;
    const ByteView payload = view.subspan(kFrameHeader, length);
    if (crc32(payload) != check) {
      skip(kFrameHeader + length);
      continue;
    }
    Bytes result(payload.begin(), payload.end());
    start_ += kFrameHeader + length;
    return result;
  }
  return std::nullopt;
}

// Moves to the next place where a frame may begin; false if fewer than four bytes of it are here.
bool FrameDecoder::find_magic() {
  constexpr std::array<uint8_t, 4> kMagic = {'H', 'T', 'F', '1'};
  const auto begin = buffer_.begin() + static_cast<ptrdiff_t>(start_);
  const auto found = std::search(begin, buffer_.end(), kMagic.begin(), kMagic.end());
  if (found != buffer_.end()) {
    skip(static_cast<size_t>(found - begin));
    return true;
  }
  // The tail may be the first bytes of a magic whose rest is still to come.
  size_t keep = std::min<size_t>(pending(), kMagic.size() - 1);
  while (keep > 0 && !std::equal(buffer_.end() - static_cast<ptrdiff_t>(keep), buffer_.end(), kMagic.begin())) --keep;
  skip(pending() - keep);
  return false;
}

void FrameDecoder::skip(size_t bytes) {
  garbage_ += bytes;
  start_ += bytes;
}

void FrameDecoder::abandon() {
  skip(pending());
}

void FrameDecoder::reset() {
  buffer_.clear();
  start_ = 0;
}

}  // namespace ht::channel
