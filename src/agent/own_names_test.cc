#include "agent/own_names.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace ht::agent {
namespace {

std::string named_by(const char* text) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) return address_text(reinterpret_cast<const sockaddr&>(v4));
  EXPECT_EQ(::inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
  return address_text(reinterpret_cast<const sockaddr&>(v6));
}

TEST(OwnNames, AddressesThatNameAMachine) {
  for (const char* text : {"10.0.0.7", "169.253.255.255", "169.255.0.0", "126.255.255.255", "fd00::7", "2001:db8::1"}) {
    EXPECT_EQ(named_by(text), text);
  }
  for (const char* text : {"127.0.0.1", "127.255.0.1", "169.254.0.0", "169.254.255.255", "::1", "fe80::1", "febf::1"}) {
    EXPECT_EQ(named_by(text), "") << text;
  }
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_EQ(address_text(other), "");
}

TEST(OwnNames, AreThoseOfThisMachine) {
  const OwnNames names = own_names();
  char hostname[256] = "";
  ASSERT_EQ(::gethostname(hostname, sizeof hostname - 1), 0);
  EXPECT_EQ(names.hostname, hostname);
  EXPECT_LE(names.addresses.size(), Agent::kMostAddresses);
  for (const std::string& address : names.addresses) EXPECT_EQ(named_by(address.c_str()), address);
}

}  // namespace
}  // namespace ht::agent
