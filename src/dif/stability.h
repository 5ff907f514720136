// Stability of interfaces (reference, sections 8.6 and 13): what may change about a name that a program uses. Also the
// versions of the D language, and which of them brought which name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ht::dif {

// From the least stable to the most.
enum class Stability : uint8_t { kInternal, kPrivate, kObsolete, kExternal, kUnstable, kEvolving, kStable, kStandard };
// From what holds nowhere else to what holds everywhere.
enum class Dependency : uint8_t { kUnknown, kCpu, kPlatform, kGroup, kIsa, kCommon };

std::string_view word(Stability stability);
std::string_view word(Dependency dependency);

// Of the name, of what its data mean, and of the machines it is found on. As it stands here: what a program's own names
// have.
struct Attributes {
  Stability name = Stability::kStable;
  Stability data = Stability::kStable;
  Dependency dependency = Dependency::kCommon;

  bool operator==(const Attributes&) const = default;
  std::string text() const;  // "Stable/Stable/Common"
};

inline constexpr Attributes kMostStable{Stability::kStandard, Stability::kStandard, Dependency::kCommon};
// Of the kernel's own symbols and types.
inline constexpr Attributes kKernelAttributes{Stability::kPrivate, Stability::kPrivate, Dependency::kUnknown};

Attributes minimum(const Attributes& a, const Attributes& b);  // field by field
bool below(const Attributes& a, const Attributes& least);      // in any field
// "N/D/C".
std::optional<Attributes> parse_attributes(std::string_view text);

// Of a built-in variable.
Attributes builtin_attributes(std::string_view name);

struct ProviderAttributes {
  Attributes provider, module, function, name, args;
};
// What is known of the providers, by name without the process id that ends pid123's; programs can change it.
class Providers {
 public:
  const ProviderAttributes& find(std::string_view provider) const;
  // The part that is called `component` (provider, module, function, name, args); null for any other word.
  Attributes* component(std::string_view provider, std::string_view component);

 private:
  std::map<std::string, ProviderAttributes, std::less<>> changed_;
};

// Versions as DTrace packs them: 8 bits major, 12 minor, 12 micro.
using Version = uint32_t;
inline constexpr Version kLatestVersion = 2u << 24;
std::optional<Version> parse_version(std::string_view text);  // "M.m[.u]"
std::string version_text(Version version);
bool is_defined(Version version);  // whether there ever was this one
// The version that brought this built-in name (variable, subroutine, action, aggregating function).
Version introduced(std::string_view name);

}  // namespace ht::dif
