#include "agent/own_names.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <set>

namespace ht::agent {

std::string address_text(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    const uint32_t number = ntohl(v4.sin_addr.s_addr);
    const bool loopback = number >> 24 == 127;
    const bool link_local = number >> 16 == 0xa9fe;  // 169.254
    if (!loopback && !link_local) ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (address.sa_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&v6) == 0 && IN6_IS_ADDR_LOOPBACK(&v6) == 0)
      ::inet_ntop(AF_INET6, &v6, text, sizeof text);
  }
  return text;
}

OwnNames own_names() {
  OwnNames names;
  char hostname[256] = "";
  ::gethostname(hostname, sizeof hostname - 1);
  names.hostname = hostname;
  std::set<std::string> found;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return names;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
    std::string text = address_text(*one->ifa_addr);
    if (!text.empty() && found.size() < Agent::kMostAddresses) found.insert(std::move(text));
  }
  ::freeifaddrs(all);
  names.addresses.assign(found.begin(), found.end());
  return names;
}

}  // namespace ht::agent
