// The functions of the kernel and of its modules that can be traced, as tracefs lists them. Tens of thousands: names
// lie in one piece of text. Left out are those that the probes' own programs run, which would fire because they fire.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/kernel_types.h"

namespace ht::agent {

class FunctionTable {
 public:
  explicit FunctionTable(std::shared_ptr<KernelTypes> types) : types_(std::move(types)) {}

  struct Function {
    std::string_view module, name;
    bool present = false;    // its module is loaded
    bool ambiguous = false;  // the module has several functions of that name
  };

  // Looks what there is now, if a module has come or gone since the last look. An index names the same function for
  // good.
  void refresh();
  size_t size() const { return functions_.size(); }
  Function at(size_t index) const;

  // The parts of refresh(), for tests: what tracefs's available_filter_functions says, and which modules there are, by
  // name with what changes when one is loaded anew, as in /proc/modules.
  void read(std::string_view functions, const std::map<std::string, std::string>& modules);
  static std::map<std::string, std::string> parse_modules(std::string_view text);
  // The same list made of what /proc/kallsyms says and the types of the modules.
  static std::string typed_functions(std::string_view symbols, KernelTypes& types);

 private:
  struct Entry {
    uint32_t at = 0;  // of the name in text_
    uint16_t length = 0;
    uint16_t module = 0;
    bool ambiguous = false;
  };
  struct Module {
    std::string name;
    bool present = false;
    std::unordered_map<std::string, uint32_t> index;  // of its functions; empty for vmlinux, which is read once
  };
  uint16_t module_number(std::string_view name);
  uint32_t append(uint16_t module, std::string_view name);
  std::string_view name_of(const Entry& entry) const { return std::string_view(text_).substr(entry.at, entry.length); }

  std::string list_functions();

  const std::shared_ptr<KernelTypes> types_;
  std::string text_;
  std::vector<Entry> functions_;
  std::vector<Module> modules_;
  std::map<std::string, std::string> loaded_;  // as of the last look
  bool vmlinux_read_ = false;
};

}  // namespace ht::agent
