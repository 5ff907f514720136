#include "channel/frame.h"

#include <gtest/gtest.h>

#include "channel/agent.pb.h"

namespace ht::channel {
namespace {

Bytes text(std::string_view view) {
  const ByteView bytes = as_bytes(view);
  return Bytes(bytes.begin(), bytes.end());
}

Bytes frame(std::string_view payload) {
  return encode_frame(as_bytes(payload));
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Everything a decoder finds in a stream fed `step` bytes at a time.
std::vector<Bytes> decode(FrameDecoder& decoder, const Bytes& stream, size_t step) {
  std::vector<Bytes> found;
  for (size_t at = 0; at < stream.size(); at += step) {
    decoder.feed(ByteView(stream).subspan(at, std::min(step, stream.size() - at)));
    while (auto payload = decoder.next()) found.push_back(*payload);
  }
  return found;
}

TEST(Frame, CrcIsTheIeeeOne) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926u);
}

TEST(Frame, ArrivesWholeHoweverItIsCut) {
  const Bytes stream = frame("one") + frame("") + frame(std::string(5000, 'x')) + frame("four");
  for (size_t step : {size_t{1}, size_t{2}, size_t{7}, size_t{100}, stream.size()}) {
    FrameDecoder decoder(1 << 20);
    EXPECT_EQ(decode(decoder, stream, step),
              (std::vector<Bytes>{text("one"), {}, text(std::string(5000, 'x')), text("four")}));
    EXPECT_EQ(decoder.garbage(), 0u);
    EXPECT_EQ(decoder.pending(), 0u);
  }
}

TEST(Frame, GarbageIsCountedAndSkipped) {
  for (size_t step : {size_t{1}, size_t{3}, size_t{1000}}) {
    FrameDecoder decoder(1 << 20);
    EXPECT_EQ(decode(decoder, text("noise HTF noise") + frame("a") + text("HTF1") + frame("b"), step),
              (std::vector<Bytes>{text("a"), text("b")}));
    EXPECT_EQ(decoder.garbage(), 15u + 4u);
  }
}

TEST(Frame, LongGarbageIsNotKept) {
  FrameDecoder decoder(1 << 20);
  for (int i = 0; i < 1000; ++i) {
    decoder.feed(Bytes(4096, 'H'));
    EXPECT_FALSE(decoder.next());
    EXPECT_LE(decoder.pending(), 3u);
  }
}

TEST(Frame, DamagedPayloadIsSkippedAndTheNextFrameFound) {
  Bytes bad = frame("payload");
  bad[kFrameHeader + 2] ^= 1;
  FrameDecoder decoder(1 << 20);
  EXPECT_EQ(decode(decoder, bad + frame("next"), 5), std::vector<Bytes>{text("next")});
  EXPECT_EQ(decoder.garbage(), bad.size());
}

TEST(Frame, DamagedLengthDoesNotSwallowWhatFollows) {
  Bytes bad = frame("payload");
  bad[6] = 0xff;
  FrameDecoder decoder(1 << 20);
  EXPECT_EQ(decode(decoder, bad + frame("next"), 1 << 20), std::vector<Bytes>{text("next")});
}

TEST(Frame, OversizeIsRefused) {
  FrameDecoder decoder(100);
  EXPECT_EQ(decode(decoder, frame(std::string(101, 'x')) + frame(std::string(100, 'y')), 64),
            std::vector<Bytes>{text(std::string(100, 'y'))});
  EXPECT_EQ(decoder.garbage(), kFrameHeader + 101);
}

TEST(Frame, UnfinishedFrameCanBeAbandoned) {
  Bytes half = frame("a long enough payload");
  half.erase(half.end() - 5, half.end());
  FrameDecoder decoder(1 << 20);
  EXPECT_TRUE(decode(decoder, half, 1000).empty());
  EXPECT_EQ(decoder.pending(), half.size());
  decoder.abandon();
  EXPECT_EQ(decoder.garbage(), half.size());
  EXPECT_EQ(decode(decoder, frame("fresh"), 1000), std::vector<Bytes>{text("fresh")});
}

TEST(Frame, CarriesMessages) {
  FromMinion message;
  message.mutable_hello()->set_hostname("guest");
  FrameDecoder decoder(1 << 20);
  decoder.feed(encode_frame(message));
  auto payload = decoder.next();
  ASSERT_TRUE(payload);
  FromMinion back;
  ASSERT_TRUE(back.ParseFromArray(payload->data(), static_cast<int>(payload->size())));
  EXPECT_EQ(back.hello().hostname(), "guest");
}

}  // namespace
}  // namespace ht::channel
