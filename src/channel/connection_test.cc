#include "channel/connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "channel/client.pb.h"

namespace ht::channel {
namespace {

struct Pair {
  UniqueFd ours, theirs;
};

Pair socket_pair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// A connection and what it has reported; the test plays the other end with plain system calls.
class ConnectionTest : public testing::Test {
 protected:
  void open(Connection::Config config = {}) {
    Pair pair = socket_pair();
    peer = std::move(pair.theirs);
    connection = Connection::create(loop, std::move(pair.ours), config);
    connection->start({[this](ByteView payload) { messages.emplace_back(payload.begin(), payload.end()); },
                       [this](uint64_t bytes) { garbage += bytes; },
                       [this](const Error& error) { closed.push_back(error.message); }});
  }
  void write(const Bytes& bytes) {
    ASSERT_EQ(::write(peer.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  template <typename Condition>
  void run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < deadline) loop.run_one_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(condition());
  }

  asio::io_context loop;
  std::shared_ptr<Connection> connection;
  UniqueFd peer;
  std::vector<Bytes> messages;
  std::vector<std::string> closed;
  uint64_t garbage = 0;
};

TEST_F(ConnectionTest, DeliversFramesAndReportsGarbage) {
  open();
  write(Bytes(100, 'z'));
  write(encode_frame(as_bytes("hello")));
  run_until([&] { return !messages.empty(); });
  EXPECT_EQ(std::string(messages[0].begin(), messages[0].end()), "hello");
  EXPECT_EQ(garbage, 100u);
  EXPECT_TRUE(closed.empty());
}

TEST_F(ConnectionTest, UnfinishedFrameIsGivenUpAndTheNextOneArrives) {
  open({.unfinished = std::chrono::milliseconds(5)});
  Bytes half = encode_frame(Bytes(1000, 'x'));
  half.erase(half.begin() + 500, half.end());
  write(half);
  run_until([&] { return garbage == 500; });
  write(encode_frame(as_bytes("after")));
  run_until([&] { return !messages.empty(); });
}

TEST_F(ConnectionTest, SaysWhenThePeerLeaves) {
  open();
  peer.reset();
  run_until([&] { return !closed.empty(); });
  EXPECT_FALSE(connection->is_open());
  EXPECT_EQ(closed.size(), 1u);
}

TEST_F(ConnectionTest, PassesDescriptorsWithTheirMessage) {
  open();
  UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  FromDaemon message;
  message.mutable_submitted()->set_session(7);
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(file));
  connection->send(message, std::move(fds));

  std::array<uint8_t, 1000> buffer;
  auto received = receive_with_fds(peer.get(), buffer);
  ASSERT_TRUE(received.ok() && received->has_value());
  ASSERT_EQ((*received)->fds.size(), 1u);
  char byte = 0;
  EXPECT_EQ(::read((*received)->fds[0].get(), &byte, 1), 0);  // it is /dev/null
  FrameDecoder decoder(kGuestFrameLimit);
  decoder.feed(ByteView(buffer).first((*received)->bytes));
  auto payload = decoder.next();
  ASSERT_TRUE(payload);
  FromDaemon back;
  ASSERT_TRUE(back.ParseFromArray(payload->data(), static_cast<int>(payload->size())));
  EXPECT_EQ(back.submitted().session(), 7u);
}

TEST_F(ConnectionTest, APeerThatDoesNotReadIsCutOff) {
  open({.queue_limit = 1 << 20});
  FromDaemon message;
  message.mutable_done()->set_text(std::string(300000, 'x'));
  for (int i = 0; i < 20 && connection->is_open(); ++i) connection->send(message);
  run_until([&] { return !closed.empty(); });
  EXPECT_NE(closed[0].find("does not read"), std::string::npos);
}

TEST_F(ConnectionTest, LargeMessagesArriveThroughASmallSocketBuffer) {
  open();
  FromDaemon message;
  message.mutable_done()->set_text(std::string(900000, 'y'));
  connection->send(message);
  FrameDecoder decoder(kGuestFrameLimit);
  std::optional<Bytes> payload;
  run_until([&] {
    std::array<uint8_t, 65536> buffer;
    auto received = receive_with_fds(peer.get(), buffer);
    if (received.ok() && received->has_value()) decoder.feed(ByteView(buffer).first((*received)->bytes));
    if (!payload) payload = decoder.next();
    return payload.has_value();
  });
  FromDaemon back;
  ASSERT_TRUE(back.ParseFromArray(payload->data(), static_cast<int>(payload->size())));
  EXPECT_EQ(back.done().text().size(), 900000u);
}

TEST(UnixSocket, ListeningReplacesAStaleSocket) {
  const std::string path = testing::TempDir() + "ht_listen_" + std::to_string(::getpid());
  {
    auto first = listen_unix(path);
    ASSERT_TRUE(first.ok());
  }
  auto again = listen_unix(path);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE(connect_unix(path).ok());
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::remove(path);
}

TEST(UnixSocket, TooLongAPathIsAnErrorAndNotCut) {
  EXPECT_FALSE(listen_unix("/" + std::string(200, 'x')).ok());
}

}  // namespace
}  // namespace ht::channel
