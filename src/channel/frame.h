// Frames: how messages travel on every byte stream between daemons and clients.
//
//   offset 0  u32 magic    "HTF1"
//          4  u32 length   of the payload, bytes
//          8  u32 check    CRC-32 (IEEE) of the payload
//         12  u32 header   CRC-32 of the twelve bytes above
//         16  payload      one protobuf message
//
// All little-endian. The other end may be a guest that writes whatever it likes, or one that was killed in the middle
// of a frame, so the decoder never trusts the stream: bytes that are no frame are counted as garbage and skipped up to
// the next header that checks out. Work is linear in the bytes received, whatever they are: a frame whose payload does
// not check out is skipped whole. What a stream loses that way its owner asks for again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace google::protobuf {
class MessageLite;
}

namespace ht::channel {

inline constexpr uint32_t kFrameMagic = 0x31465448;  // "HTF1"
inline constexpr size_t kFrameHeader = 16;
inline constexpr size_t kGuestFrameLimit = size_t{1} << 20;    // payload bytes, between overlord and minion
inline constexpr size_t kClientFrameLimit = size_t{64} << 20;  // ... and between overlord and client
inline constexpr size_t kChunk = size_t{256} << 10;            // of what does not fit one frame: programs, types

uint32_t crc32(ByteView data);

// Header and payload, ready to be written.
Bytes encode_frame(ByteView payload);
Bytes encode_frame(const google::protobuf::MessageLite& message);

class FrameDecoder {
 public:
  explicit FrameDecoder(size_t limit) : limit_(limit) {}

  // Call next() until it has nothing before feeding again: then never more than limit + one read is held.
  void feed(ByteView data);
  std::optional<Bytes> next();

  uint64_t garbage() const { return garbage_; }  // bytes skipped so far
  size_t pending() const { return buffer_.size() - start_; }
  // Gives up what is pending and counts it as garbage: the sender of an unfinished frame is no more.
  void abandon();
  // A new stream begins: what is pending is forgotten.
  void reset();

 private:
  void skip(size_t bytes);
  bool find_magic();

  size_t limit_;
  Bytes buffer_;
  size_t start_ = 0;  // first byte of buffer_ not yet consumed
  uint64_t garbage_ = 0;
};

}  // namespace ht::channel
