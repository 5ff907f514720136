// Unix stream sockets: connecting, listening, and passing descriptors (SCM_RIGHTS, unix(7)).
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "channel/connection.h"

namespace ht::channel {
namespace {

constexpr size_t kMaxFds = 8;  // more than any message carries

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error("the socket path " + path + " is longer than " + std::to_string(sizeof address.sun_path - 1) +
                 " bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<UniqueFd> new_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("cannot create a socket");
  return fd;
}

}  // namespace

Result<UniqueFd> connect_unix(const std::string& path) {
  ASSIGN_OR_RETURN(sockaddr_un address, address_of(path));
  ASSIGN_OR_RETURN(UniqueFd fd, new_socket());
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return errno_error("cannot connect to " + path);
  }
  return fd;
}

Result<UniqueFd> listen_unix(const std::string& path) {
  ASSIGN_OR_RETURN(sockaddr_un address, address_of(path));
  ASSIGN_OR_RETURN(UniqueFd fd, new_socket());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("cannot remove the stale socket " + path);
  const mode_t before = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0 || ::listen(fd.get(), 64) != 0) return errno_error("cannot listen on " + path);
  return fd;
}

Result<size_t> send_with_fds(int socket, ByteView data, const std::vector<UniqueFd>& fds) {
  iovec piece{const_cast<uint8_t*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
  if (!fds.empty() && fds.size() <= kMaxFds) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    for (size_t i = 0; i < fds.size(); ++i) {
      const int fd = fds[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return size_t{0};
    if (errno != EINTR) return errno_error("cannot send");
  }
}

Result<std::optional<Received>> receive_with_fds(int socket, std::span<uint8_t> buffer) {
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = 0;
  while ((count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<Received>();
    if (errno != EINTR) return errno_error("cannot receive");
  }
  Received received;
  received.bytes = static_cast<size_t>(count);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < fds; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      received.fds.emplace_back(fd);
    }
  }
  return std::optional<Received>(std::move(received));
}

}  // namespace ht::channel
