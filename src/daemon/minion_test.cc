// The minion against a host of the test's own.
#include "daemon/minion.h"

#include "daemon/test_world.h"

namespace ht::daemon::test {
namespace {

class MinionTest : public testing::Test {
 protected:
  void SetUp() override {
    guest.boot();
    connect();
  }
  void connect() {
    auto socket = channel::connect_unix(guest.found().socket);
    ASSERT_TRUE(socket.ok());
    host = std::move(*socket);
    decoder.reset();
  }
  void send(const channel::ToMinion& message) {
    const Bytes frame = channel::encode_frame(message);
    ASSERT_EQ(::send(host.get(), frame.data(), frame.size(), MSG_NOSIGNAL), static_cast<ssize_t>(frame.size()));
  }
  channel::FromMinion receive() {
    channel::FromMinion message;
    for (;;) {
      if (auto payload = decoder.next()) {
        EXPECT_TRUE(message.ParseFromArray(payload->data(), static_cast<int>(payload->size())));
        return message;
      }
      pollfd poll{host.get(), POLLIN, 0};
      uint8_t buffer[65536];
      ssize_t count = ::poll(&poll, 1, 20'000) == 1 ? ::recv(host.get(), buffer, sizeof buffer, MSG_DONTWAIT) : 0;
      if (count <= 0) {
        ADD_FAILURE() << "no answer";
        return message;
      }
      decoder.feed(ByteView(buffer, static_cast<size_t>(count)));
    }
  }
  channel::Hello greet(const std::string& instance) {
    channel::ToMinion message;
    message.mutable_greeting()->set_version(1);
    message.mutable_greeting()->set_instance(instance);
    send(message);
    channel::FromMinion reply = receive();
    EXPECT_TRUE(reply.has_hello());
    return reply.hello();
  }
  static Bytes object() {
    const auto submit = request({desc("", "syscall", "", "entry")});
    dif::Program program = *object::read(as_bytes(submit.elf()));
    program.linked = true;
    return object::write(program);
  }
  channel::FromMinion install(uint64_t id, const Bytes& object, const std::string& sha256) {
    channel::ToMinion message;
    channel::Install& piece = *message.mutable_install();
    piece.set_program(id);
    piece.set_sha256(sha256);
    piece.set_total(object.size());
    const size_t half = object.size() / 2;
    piece.set_data(object.data(), half);
    send(message);
    piece.set_offset(half);
    piece.set_data(object.data() + half, object.size() - half);
    send(message);
    return receive();
  }
  channel::FromMinion arm(uint64_t id) {
    channel::ToMinion message;
    message.mutable_arm()->set_program(id);
    message.mutable_arm()->set_nonce(std::string(16, 'n'));
    message.mutable_arm()->add_clauses(0);
    send(message);
    return receive();
  }
  void arm_something() {
    greet(std::string(16, 'a'));
    const Bytes program = object();
    auto installed = install(7, program, sha256_hex(program));
    ASSERT_EQ(installed.installed().error(), "");
    ASSERT_EQ(installed.installed().matches(0).probes_size(), 3);
    auto armed = arm(7);
    ASSERT_EQ(armed.armed().error(), "");
    ASSERT_EQ(armed.armed().nonce(), std::string(16, 'n'));
    ASSERT_EQ(guest.agent->armed().size(), 3u);
  }

  TestDirectory directory;
  FakeGuest guest{"vm1", directory.path()};
  UniqueFd host;
  channel::FrameDecoder decoder{channel::kGuestFrameLimit};
};

TEST_F(MinionTest, AnswersAGreetingWithItsOwnInstance) {
  auto first = greet(std::string(16, 'a')), second = greet(std::string(16, 'b'));
  EXPECT_EQ(first.hostname(), "vm1-host");
  EXPECT_EQ(first.instance(), std::string(16, 'a'));
  EXPECT_EQ(second.instance(), std::string(16, 'b'));
  EXPECT_EQ(first.minion(), second.minion());
}

TEST_F(MinionTest, AProgramThatArrivesDamagedIsRefused) {
  greet(std::string(16, 'a'));
  const Bytes program = object();
  auto reply = install(1, program, std::string(64, '0'));
  EXPECT_NE(reply.installed().error().find("damaged"), std::string::npos);
  const Bytes garbage(1000, 3);
  reply = install(2, garbage, sha256_hex(garbage));
  EXPECT_NE(reply.installed().error(), "");
  EXPECT_NE(arm(2).armed().error(), "");
  EXPECT_TRUE(guest.agent->armed().empty());
}

TEST_F(MinionTest, AProgramThatIsNotLinkedIsRefused) {
  greet(std::string(16, 'a'));
  dif::Program program = *object::read(object());
  program.variables.push_back({"x", 0x500, dif::Scope::kGlobal, dif::VarKind::kScalar, dif::Type::unknown(), {}, {}});
  program.linked = false;
  const Bytes object = object::write(program);
  EXPECT_NE(install(1, object, sha256_hex(object)).installed().error(), "");
}

TEST_F(MinionTest, DisarmsWhenTheHostLeaves) {
  arm_something();
  host.reset();
  EXPECT_TRUE(until([&] { return guest.agent->armed().empty(); }));
  connect();  // and serves the next one
  EXPECT_EQ(greet(std::string(16, 'c')).instance(), std::string(16, 'c'));
}

TEST_F(MinionTest, DisarmsForAnotherOverlordOnly) {
  arm_something();
  greet(std::string(16, 'a'));
  EXPECT_EQ(guest.agent->armed().size(), 3u);  // the same one asks again
  greet(std::string(16, 'b'));
  EXPECT_TRUE(guest.agent->armed().empty());
  EXPECT_NE(arm(7).armed().error(), "");
}

// Uploads do not mix, and one that has begun ends with what it began with.
TEST_F(MinionTest, TypesOfSeveralModulesAreSentSideBySide) {
  const Bytes kernel(40, 'k'), first(50, 'f'), second(60, 's'), other(50, 'o');
  guest.agent->set_types(kernel, sha256_hex(kernel));
  guest.agent->load_module("first", first);
  guest.agent->load_module("second", second);
  greet(std::string(16, 'a'));
  const auto chunk = [this](const Bytes& whole, const std::string& module, uint64_t offset) {
    channel::ToMinion message;
    message.mutable_types()->set_hash(sha256_hex(whole));
    message.mutable_types()->set_module(module);
    message.mutable_types()->set_offset(offset);
    message.mutable_types()->set_length(30);
    send(message);
    const channel::FromMinion reply = receive();
    EXPECT_EQ(reply.types().hash(), sha256_hex(whole));
    EXPECT_EQ(reply.types().module(), module);
    return reply.types();
  };
  EXPECT_EQ(chunk(first, "first", 0).data(), std::string(30, 'f'));
  EXPECT_EQ(chunk(kernel, "", 0).data(), std::string(30, 'k'));
  EXPECT_EQ(chunk(second, "second", 0).total(), 60u);
  guest.agent->load_module("first", other);
  EXPECT_EQ(chunk(first, "first", 30).data(), std::string(20, 'f'));
  EXPECT_EQ(chunk(kernel, "", 30).data(), std::string(10, 'k'));
  EXPECT_EQ(chunk(second, "second", 30).data(), std::string(30, 's'));
  EXPECT_NE(chunk(first, "first", 0).error(), "");  // it is another by now
  EXPECT_NE(chunk(other, "third", 0).error(), "");
  EXPECT_EQ(chunk(other, "first", 0).data(), std::string(30, 'o'));
}

TEST_F(MinionTest, GarbageAndHalfAMessageAreSurvived) {
  const Bytes garbage(70'000, 0x48);
  ASSERT_GT(::send(host.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL), 0);
  greet(std::string(16, 'a'));
  channel::ToMinion message;
  message.mutable_types()->set_hash("nobody's");
  send(message);
  EXPECT_NE(receive().types().error(), "");
}

}  // namespace
}  // namespace ht::daemon::test
