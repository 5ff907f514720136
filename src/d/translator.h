// What a program says about data that is not there as such: translators, which make the members of a struct out of an
// expression, and providers' interfaces, which name the types of probe arguments (reference, sections 2.6 and 2.7).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "d/ast.h"

namespace ht::d {

struct TranslatorMember {
  const Member* member;  // of the output type
  Expr value;            // as parsed; the translator's parameter is a name in it
};

struct Translator {
  TypeRef output = nullptr;       // struct or union, without typedefs and qualifiers
  TypeRef output_name = nullptr;  // as written
  TypeRef input = nullptr;
  std::string parameter;
  std::vector<TranslatorMember> members;
  Pos pos;

  const TranslatorMember* find(const Member* member) const;
};

struct ProviderArgument {
  std::string name;
  TypeRef type = nullptr;
  size_t native = 0;  // of a translated argument: which of the native ones it is made from
};

struct ProviderProbe {
  std::string name;  // as in descriptions: "my-probe" for my__probe
  std::string declared_name;
  std::vector<ProviderArgument> native, translated;
};

struct Provider {
  std::string name;
  std::vector<ProviderProbe> probes;

  const ProviderProbe* find(std::string_view probe) const;
  // Whether a description's provider field may mean this one in some process: "name", "name123", "name*".
  bool may_be(std::string_view field) const;
};

}  // namespace ht::d
