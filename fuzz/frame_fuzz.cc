// What a guest may write on its channel: cut into pieces by the first byte, decoded, parsed as messages. However it is
// cut, the same frames must come out and every byte must be accounted for.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "channel/agent.pb.h"
#include "channel/client.pb.h"
#include "channel/frame.h"

namespace {

constexpr size_t kLimit = 4096;

struct Outcome {
  size_t frames = 0;
  size_t bytes = 0;
  uint64_t garbage = 0;
  size_t pending = 0;
};

Outcome decode(ht::ByteView data, size_t step) {
  ht::channel::FrameDecoder decoder(kLimit);
  Outcome outcome;
  for (size_t at = 0; at < data.size(); at += step) {
    decoder.feed(data.subspan(at, std::min(step, data.size() - at)));
    while (auto payload = decoder.next()) {
      ++outcome.frames;
      outcome.bytes += payload->size() + ht::channel::kFrameHeader;
      const int size = static_cast<int>(payload->size());
      ht::channel::FromMinion from_minion;
      ht::channel::ToMinion to_minion;
      ht::channel::ToDaemon to_daemon;
      (void)from_minion.ParseFromArray(payload->data(), size);
      (void)to_minion.ParseFromArray(payload->data(), size);
      (void)to_daemon.ParseFromArray(payload->data(), size);
    }
    if (decoder.pending() > kLimit + ht::channel::kFrameHeader) std::abort();
  }
  outcome.garbage = decoder.garbage();
  outcome.pending = decoder.pending();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ht::ByteView stream(data + 1, size - 1);
  const Outcome whole = decode(stream, stream.size() + 1);
  const Outcome pieces = decode(stream, data[0] % 64 + 1u);
  if (whole.frames != pieces.frames || whole.garbage != pieces.garbage || whole.pending != pieces.pending) std::abort();
  if (whole.bytes + whole.garbage + whole.pending != stream.size()) std::abort();

  // The rest of the payload parsers, on what got through no frame.
  ht::channel::FromMinion message;
  if (message.ParseFromArray(stream.data(), static_cast<int>(stream.size()))) {
    ht::channel::FrameDecoder decoder(ht::channel::kGuestFrameLimit);
    decoder.feed(ht::channel::encode_frame(message));
    if (!decoder.next()) std::abort();
  }
  return 0;
}
