// Names for addresses, whoever's they are: this machine's are looked up here, a guest's are asked of whoever can tell,
// and remembered. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "consumer/datum.h"
#include "dif/layout.h"
#include "symbols/machine_symbols.h"

namespace ht::consumer {

using dif::AddressOwner;
using symbols::Symbol;

// Who knows the names of guests' addresses.
class SymbolSource {
 public:
  virtual ~SymbolSource() = default;
  // One answer for each address, of the kernel or of process owner.pid; nothing for what has no name. Fewer answers if
  // nobody can tell (any more).
  virtual std::vector<std::optional<Symbol>> resolve(const AddressOwner& owner, bool kernel,
                                                     std::span<const uint64_t> addresses) = 0;
  // The boot of that guest that runs now, as far as is known; 0 if none is.
  virtual uint16_t boot(uint16_t target) const = 0;
};

class Symbols {
 public:
  Symbols();
  ~Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  // Until then no address of this machine has a name.
  void use_host() { machine_ = std::make_unique<symbols::MachineSymbols>(); }
  // Until then no address of a guest has one.
  void use_guests(std::shared_ptr<SymbolSource> source) { guests_ = std::move(source); }

  // The process of -c or -p, whose addresses %A shows.
  void set_target(uint32_t pid) { target_ = {0, 0, pid}; }
  const AddressOwner& target() const { return target_; }
  // The guest whose record is being shown: a plain number shown as an address is one of its kernel.
  void set_firing(uint16_t target) {
    firing_ = {target, target == 0 || !guests_ ? uint16_t{0} : guests_->boot(target), 0};
  }
  const AddressOwner& firing() const { return firing_; }

  std::optional<Symbol> kernel(const AddressOwner& owner, uint64_t address) { return find(owner, true, address); }
  std::optional<Symbol> user(const AddressOwner& owner, uint64_t address) { return find(owner, false, address); }
  // Asks for all that a stack needs at once.
  void prepare(const Datum& stack);

  // Option noresolve: frames of user stacks are shown as user_offset(), and no file is read.
  void set_noresolve(bool noresolve) { noresolve_ = noresolve; }
  bool noresolve() const { return noresolve_; }
  // "object:0x1", the offset in its mapping; of this machine's processes only.
  std::optional<std::string> user_offset(const AddressOwner& owner, uint64_t address);

  // What is shown alike is one key: makes the address in `field` of an aggregation's keys that of its symbol or module,
  // if it has a name, and of the guests' stacks and symbols that read the same the first one seen. Leaves fields of
  // other kinds alone.
  void reduce(const dif::Field& field, std::span<uint8_t> keys);

 private:
  struct Asked {
    AddressOwner owner;
    bool kernel;
    uint64_t address;
    bool operator<(const Asked& other) const {
      return std::tuple(owner.word(), kernel, address) < std::tuple(other.owner.word(), other.kernel, other.address);
    }
  };
  std::optional<Symbol> find(const AddressOwner& owner, bool kernel, uint64_t address);
  void ask(const AddressOwner& owner, bool kernel, std::span<const uint64_t> addresses);
  void merge(const Datum& datum, std::span<uint8_t> bytes);

  std::unique_ptr<symbols::MachineSymbols> machine_;
  std::shared_ptr<SymbolSource> guests_;
  std::map<Asked, std::optional<Symbol>> answers_;  // of guests
  bool noresolve_ = false;
  AddressOwner target_, firing_;
  std::map<std::string, uint64_t> modules_;                // first address seen of each kernel module, and of each file
  std::map<std::string, std::vector<uint8_t>> same_text_;  // guests' keys by how they are shown
};

}  // namespace ht::consumer
