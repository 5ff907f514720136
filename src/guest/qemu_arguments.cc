// Reads the options that concern RAM, in both of QEMU's spellings: "type,key=value,..." and JSON (libvirt's).
#include "guest/qemu_arguments.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace ht::guest {
namespace {

using Options = std::map<std::string, std::string>;

constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kDefaultSize = 128 * kMiB;  // QEMU's, without -m

Options parse_json(const std::string& text) {
  Options options;
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return options;
  for (const auto& [key, value] : json.items()) {
    if (value.is_string()) {
      options[key] = value.get<std::string>();
    } else if (value.is_boolean()) {
      options[key] = value.get<bool>() ? "on" : "off";
    } else if (value.is_number_unsigned()) {
      options[key] = std::to_string(value.get<uint64_t>());
    }
  }
  return options;
}

// `first` is the key of a first element without one. ",," is a comma in a value.
Options parse_options(const std::string& text, const std::string& first) {
  if (text.starts_with('{')) return parse_json(text);
  Options options;
  std::vector<std::string> elements(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      elements.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      elements.back() += text[i++];
    } else {
      elements.emplace_back();
    }
  }
  for (size_t i = 0; i < elements.size(); ++i) {
    const size_t equals = elements[i].find('=');
    if (equals != std::string::npos) {
      options[elements[i].substr(0, equals)] = elements[i].substr(equals + 1);
    } else if (i == 0) {
      options[first] = elements[i];
    } else {
      options[elements[i]] = "on";
    }
  }
  return options;
}

std::string value_of(const Options& options, const std::string& key) {
  const auto found = options.find(key);
  return found == options.end() ? std::string() : found->second;
}

// A number with an optional suffix K M G T; `unit` is meant without one.
std::optional<uint64_t> parse_size(const std::string& text, uint64_t unit) {
  uint64_t value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc()) return std::nullopt;
  if (end != last) {
    const size_t suffix =
        std::string_view("bkmgt").find(static_cast<char>(std::tolower(static_cast<unsigned char>(*end))));
    if (end + 1 != last || suffix == std::string_view::npos) return std::nullopt;
    unit = uint64_t{1} << (10 * suffix);
  }
  if (value > UINT64_MAX / unit) return std::nullopt;
  return value * unit;
}

// Every occurrence of one of the options `names` ("machine" for -machine and --machine).
std::vector<std::string> values_of(const std::vector<std::string>& arguments,
                                   std::initializer_list<const char*> names) {
  std::vector<std::string> values;
  for (size_t i = 1; i + 1 < arguments.size(); ++i) {
    const bool named = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return arguments[i] == "-" + name || arguments[i] == "--" + name;
    });
    if (named) values.push_back(arguments[++i]);
  }
  return values;
}

// What the parser needs of the command line.
struct CommandLine {
  Options machine;
  std::map<std::string, Options> backends;  // memory backends by id
  std::vector<std::string> memdevs;         // of -numa node
  uint64_t size = kDefaultSize;             // -m

  explicit CommandLine(const std::vector<std::string>& arguments) {
    for (const std::string& text : values_of(arguments, {"machine", "M"})) {
      for (auto& [key, value] : parse_options(text, "type")) machine[key] = value;
    }
    for (const std::string& text : values_of(arguments, {"object"})) {
      Options options = parse_options(text, "qom-type");
      if (value_of(options, "qom-type").starts_with("memory-backend-")) backends[value_of(options, "id")] = options;
    }
    for (const std::string& text : values_of(arguments, {"numa"})) {
      const std::string memdev = value_of(parse_options(text, "type"), "memdev");
      if (!memdev.empty()) memdevs.push_back(memdev);
    }
    for (const std::string& text : values_of(arguments, {"m"})) {
      size = parse_size(value_of(parse_options(text, "size"), "size"), kMiB).value_or(size);
    }
  }

  // What to write instead, with this guest's own size and machine.
  std::string advice() const {
    const std::string type = value_of(machine, "type");
    return "start QEMU with -object memory-backend-memfd,id=ram,size=" + std::to_string(size / kMiB) +
           "M,share=on -machine " + (type.empty() ? "pc" : type) + ",memory-backend=ram";
  }
};

struct BackendRow {
  const char* type;
  RamBackend backend;
  bool shared;  // QEMU's default
};
constexpr BackendRow kBackends[] = {
    {"memory-backend-memfd", RamBackend::kMemfd, true},
    {"memory-backend-file", RamBackend::kFile, false},
    {"memory-backend-ram", RamBackend::kAnonymous, false},
};

Result<QemuMemory> read_backend(const CommandLine& line, const std::string& id, const Options& options) {
  const std::string type = value_of(options, "qom-type");
  const auto* row =
      std::find_if(std::begin(kBackends), std::end(kBackends), [&](const BackendRow& one) { return one.type == type; });
  if (row == std::end(kBackends)) {
    return Error("QEMU keeps the guest's RAM in a " + type + ", which is not supported", line.advice());
  }
  const std::string share = value_of(options, "share");
  const bool shared = share.empty() ? row->shared : share == "on" || share == "yes" || share == "true" || share == "y";
  if (!shared)
    return Error("the guest's RAM (" + type + " \"" + id + "\") is not shared", "add share=on to its -object");
  if (value_of(options, "hugetlb") == "on") {
    return Error("the guest's RAM (" + type + " \"" + id + "\") is in huge pages, which is not supported",
                 "remove hugetlb=on from its -object");
  }
  const std::optional<uint64_t> size = parse_size(value_of(options, "size"), 1);
  if (!size || *size == 0) return Error("cannot read the size of QEMU's " + type + " \"" + id + "\"");
  return QemuMemory{.backend = row->backend,
                    .size = *size,
                    .path = value_of(options, "mem-path"),
                    .machine = value_of(line.machine, "type"),
                    .max_below_4g = parse_size(value_of(line.machine, "max-ram-below-4g"), 1).value_or(0)};
}

// How much RAM a machine has below 4 GiB (hw/i386/pc_piix.c, pc_q35.c, microvm.c in QEMU).
struct MachineRow {
  const char* prefix;    // of the name, with or without a version
  uint64_t usual;        // RAM below 4 GiB at most
  uint64_t when_larger;  // the same when there is at least `usual` of RAM
};
constexpr MachineRow kMachines[] = {
    {"q35", 0xb0000000, 0x80000000},       {"pc-q35", 0xb0000000, 0x80000000}, {"microvm", 0xc0000000, 0xc0000000},
    {"pc-i440fx", 0xe0000000, 0xc0000000}, {"pc", 0xe0000000, 0xc0000000},
};

}  // namespace

Result<QemuMemory> parse_qemu_arguments(const std::vector<std::string>& arguments) {
  const CommandLine line(arguments);
  std::string id = value_of(line.machine, "memory-backend");
  if (id.empty()) {
    if (line.memdevs.size() > 1) {
      return Error("the guest's RAM is in " + std::to_string(line.memdevs.size()) + " memory backends (-numa)",
                   line.advice());
    }
    if (line.memdevs.empty()) return Error("the guest's RAM is private to QEMU", line.advice());
    id = line.memdevs[0];
  }
  const auto backend = line.backends.find(id);
  if (backend == line.backends.end())
    return Error("QEMU's memory backend \"" + id + "\" has no -object", line.advice());
  return read_backend(line, id, backend->second);
}

Result<std::vector<RamRegion>> ram_regions(const QemuMemory& memory) {
  const std::string machine = memory.machine.empty() ? "pc" : memory.machine;
  const auto* row = std::find_if(std::begin(kMachines), std::end(kMachines),
                                 [&](const MachineRow& one) { return machine.starts_with(one.prefix); });
  if (row == std::end(kMachines)) {
    return Error("the RAM of QEMU's machine \"" + machine + "\" is laid out in an unknown way",
                 "use q35, pc or microvm");
  }
  const bool q35 = std::string_view(row->prefix).ends_with("q35");
  // A pc compares its size with the limit that was asked for; a q35 with its own.
  const uint64_t usual = q35 || memory.max_below_4g == 0 ? row->usual : memory.max_below_4g;
  uint64_t low = memory.size >= usual ? std::min(row->when_larger, usual) : usual;
  if (memory.max_below_4g != 0) low = std::min(low, memory.max_below_4g);
  if (memory.size <= low) return std::vector<RamRegion>{{.address = 0, .size = memory.size, .offset = 0}};
  return std::vector<RamRegion>{{.address = 0, .size = low, .offset = 0},
                                {.address = 4 * kGiB, .size = memory.size - low, .offset = low}};
}

}  // namespace ht::guest
