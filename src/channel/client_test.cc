#include "channel/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "channel/connection.h"

namespace ht::channel {
namespace {

// A daemon that answers by a script: one answer list for each message received.
class FakeDaemon {
 public:
  using Answer = std::function<void(const ToDaemon&, Connection&)>;
  explicit FakeDaemon(Answer answer) : answer_(std::move(answer)) {
    directory_ = testing::TempDir() + "ht_client_" + std::to_string(::getpid());
    std::filesystem::create_directories(directory_);
    listening_ = std::move(listen_unix(directory_ + "/sub.sock")).value();
    listener_.assign(listening_.release());
    listener_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const std::error_code&) { accept(); });
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~FakeDaemon() {
    loop_.stop();
    thread_.join();
    std::filesystem::remove_all(directory_);
  }
  const std::string& directory() const { return directory_; }

 private:
  void accept() {
    UniqueFd socket(::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    connection_ = Connection::create(loop_, std::move(socket), {.frame_limit = kClientFrameLimit});
    connection_->start({[this](ByteView payload) {
                          ToDaemon message;
                          if (message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
                            answer_(message, *connection_);
                          }
                        },
                        {},
                        {}});
  }

  Answer answer_;
  std::string directory_;
  asio::io_context loop_;
  UniqueFd listening_;
  asio::posix::stream_descriptor listener_{loop_};
  std::shared_ptr<Connection> connection_;
  std::thread thread_;
};

TEST(Client, WithoutADaemonSaysHowToStartIt) {
  auto client = Client::connect("/nonexistent");
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().text(),
            "cannot reach dtraced at /nonexistent/sub.sock: there is no such socket (start it with: dtraced -O)");
}

TEST(Client, SubmitReportsProgressAndTakesTheDescriptors) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  FakeDaemon daemon([&](const ToDaemon& message, Connection& connection) {
    EXPECT_EQ(message.submit().elf(), "elf");
    FromDaemon progress;
    progress.mutable_progress()->set_text("linking");
    connection.send(progress);
    FromDaemon event;
    event.mutable_event()->set_text("vm1 is gone");
    connection.send(event);
    FromDaemon submitted;
    submitted.mutable_submitted()->set_session(3);
    std::vector<UniqueFd> fds;
    fds.emplace_back(pipe_fds[0]);
    fds.emplace_back(pipe_fds[1]);
    connection.send(submitted, std::move(fds));
  });
  auto client = Client::connect(daemon.directory());
  ASSERT_TRUE(client.ok()) << client.error().message;
  SubmitRequest request;
  request.set_elf("elf");
  std::string progress;
  auto session = (*client)->submit(
      request, [&](const Progress& p) { progress += p.text(); }, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().message;
  EXPECT_EQ(progress, "linking");
  EXPECT_EQ(session->reply.session(), 3u);
  ASSERT_EQ(::write(session->control.get(), "x", 1), 1);  // the two descriptors are the pipe's, in order
  char byte = 0;
  ASSERT_EQ(::read(session->data.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  auto event = (*client)->poll_event();  // what came meanwhile is kept
  ASSERT_TRUE(event.ok() && event->has_value());
  EXPECT_EQ((*event)->text(), "vm1 is gone");
}

TEST(Client, RefusalBringsAllDiagnostics) {
  FakeDaemon daemon([](const ToDaemon&, Connection& connection) {
    FromDaemon reply;
    for (const char* guest : {"vm1", "vm2"}) {
      Diagnostic* error = reply.mutable_failure()->add_errors();
      error->set_message("no member credz");
      error->set_line(3);
      error->set_guest(guest);
    }
    connection.send(reply);
  });
  auto client = Client::connect(daemon.directory());
  ASSERT_TRUE(client.ok());
  Client::Refused refused;
  auto session = (*client)->submit({}, {}, &refused);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().message, "no member credz");
  EXPECT_EQ(session.error().pos.line, 3u);
  ASSERT_EQ(refused.errors.size(), 2u);
  EXPECT_EQ(refused.errors[1].guest(), "vm2");
}

TEST(Client, ADaemonThatDiesIsAnError) {
  FakeDaemon daemon([](const ToDaemon&, Connection& connection) { connection.close(); });
  auto client = Client::connect(daemon.directory());
  ASSERT_TRUE(client.ok());
  auto list = (*client)->vm_list();
  ASSERT_FALSE(list.ok());
  EXPECT_NE(list.error().message.find("dtraced is gone"), std::string::npos);
  EXPECT_FALSE((*client)->poll_event().ok());
}

TEST(Client, PagesOfProbesAreJoined) {
  FakeDaemon daemon([](const ToDaemon&, Connection& connection) {
    for (int page = 0; page < 3; ++page) {
      FromDaemon reply;
      reply.mutable_list_probes()->add_probes()->set_vmname("vm" + std::to_string(page));
      reply.mutable_list_probes()->set_more(page < 2);
      connection.send(reply);
    }
  });
  auto client = Client::connect(daemon.directory());
  ASSERT_TRUE(client.ok());
  auto probes = (*client)->list_probes({});
  ASSERT_TRUE(probes.ok());
  ASSERT_EQ(probes->size(), 3u);
  EXPECT_EQ((*probes)[2].vmname(), "vm2");
}

}  // namespace
}  // namespace ht::channel
