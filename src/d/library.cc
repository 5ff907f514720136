// Finding libraries and their order.
#include "d/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/fd.h"

namespace ht::d {
namespace {

struct Dependency {
  std::string_view what, name;
};

std::string_view next_word(std::string_view& rest) {
  size_t begin = std::min(rest.find_first_not_of(" \t\r"), rest.size());
  size_t end = std::min(rest.find_first_of(" \t\r", begin), rest.size());
  std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

// "#pragma D depends_on CLASS NAME"
std::optional<Dependency> dependency(std::string_view line) {
  size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos || line[begin] != '#') return std::nullopt;
  line.remove_prefix(begin + 1);
  if (next_word(line) != "pragma" || next_word(line) != "D" || next_word(line) != "depends_on") return std::nullopt;
  Dependency result;
  result.what = next_word(line);
  result.name = next_word(line);
  bool known = result.what == "library" || result.what == "provider" || result.what == "module";
  if (!known || result.name.empty()) return std::nullopt;  // for the compiler to complain about
  return result;
}

struct Node {
  LibraryText library;
  std::vector<std::string> needs;  // libraries
  bool missing = false;            // a provider or module is
  enum State : uint8_t { kNew, kOpen, kDone } state = kNew;
};

using KernelVersion = std::pair<unsigned, unsigned>;

// The first two numbers: of "6.1.0-13-amd64", and of the directory "6.1".
std::optional<KernelVersion> kernel_version(std::string_view text) {
  KernelVersion version;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.first);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
  if (std::from_chars(major.ptr + 1, end, version.second).ec != std::errc{}) return std::nullopt;
  return version;
}

// Takes the dependencies out of the text.
Node examine(LibraryText library, const HasDependency& has) {
  Node node;
  std::string& text = library.text;
  for (size_t at = text.find('#'); at != std::string::npos;) {
    size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;  // npos + 1 is 0
    size_t end = std::min(text.find('\n', at), text.size());
    if (auto found = dependency(std::string_view(text).substr(begin, end - begin))) {
      if (found->what == "library") {
        node.needs.emplace_back(found->name);
      } else {
        node.missing = node.missing || (has && !has(found->what, found->name));
      }
      std::fill(text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end),
                ' ');
    }
    at = text.find('#', end);
  }
  node.library = std::move(library);
  return node;
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

class Sorter {
 public:
  explicit Sorter(std::vector<Node> nodes) : nodes_(std::move(nodes)) {
    for (size_t i = 0; i < nodes_.size(); i++) by_name_[base_name(nodes_[i].library.name)] = i;
  }

  Result<std::vector<LibraryText>> run() {
    for (size_t i = 0; i < nodes_.size(); i++) RETURN_IF_ERROR(visit(i, 0));
    return std::move(sorted_);
  }

 private:
  static constexpr unsigned kMostLevels = 1000;

  Result<void> visit(size_t index, unsigned level) {
    Node& node = nodes_[index];
    if (node.state == Node::kDone) return {};
    node.state = Node::kOpen;
    for (const std::string& need : node.needs) {
      auto found = by_name_.find(need);
      if (found == by_name_.end()) {
        return Error(fmt::format("Invalid library dependency in {}: {}", node.library.name, need));
      }
      if (nodes_[found->second].state == Node::kOpen || level > kMostLevels) {
        return Error(fmt::format("Cyclical dependency detected: {} => {}", node.library.name,
                                 nodes_[found->second].library.name));
      }
      RETURN_IF_ERROR(visit(found->second, level + 1));
      node.missing = node.missing || nodes_[found->second].missing;
    }
    node.state = Node::kDone;
    if (!node.missing) sorted_.push_back(std::move(node.library));
    return {};
  }

  std::vector<Node> nodes_;
  std::map<std::string, size_t> by_name_;
  std::vector<LibraryText> sorted_;
};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

using Words = std::set<std::string_view>;

// Everything that looks like an identifier, wherever it stands.
void add_words(std::string_view text, Words& words) {
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && is_word(text[end])) end++;
    if (end > at) words.insert(text.substr(at, end - at));
    at = std::max(end, at + 1);
  }
}

std::string_view last_word(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && !is_word(text[end - 1])) end--;
  size_t begin = end;
  while (begin > 0 && is_word(text[begin - 1])) begin--;
  return text.substr(begin, end - begin);
}

// The names that a library of ours declares. They are laid out for this: a declaration begins in the first column.
// What a translator is of is named by a type; it needs no name of its own.
Words declared_names(std::string_view text) {
  Words names;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("inline ")) names.insert(last_word(line.substr(0, line.find_first_of("=["))));
    if (line.starts_with("} ") || (line.starts_with("typedef ") && line.ends_with(';'))) names.insert(last_word(line));
    if (line.ends_with('{') && (line.starts_with("struct ") || line.starts_with("typedef "))) {
      names.insert(last_word(line));
    }
  }
  return names;
}

}  // namespace

std::vector<LibraryText> embedded_library_texts() {
  std::vector<LibraryText> result;
  for (const EmbeddedLibrary& library : embedded_libraries()) {
    result.push_back({std::string(library.name), std::string(library.text), true});
  }
  return result;
}

std::vector<LibraryText> read_libraries(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name.ends_with(".d") && name.size() > 2) paths.push_back(directory + "/" + name);
  }
  std::sort(paths.begin(), paths.end());
  std::vector<LibraryText> result;
  for (std::string& path : paths) {
    Result<std::string> text = read_text_file(path);
    if (text.ok()) result.push_back({std::move(path), std::move(*text), false});
  }
  return result;
}

std::vector<LibraryText> read_system_libraries(const std::string& directory, std::string_view kernel_release) {
  const std::optional<KernelVersion> running = kernel_version(kernel_release);
  std::optional<KernelVersion> best;
  std::string best_name;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const std::optional<KernelVersion> version = kernel_version(name);
    if (!version.has_value() || !running.has_value() || *version > *running || !at->is_directory(error)) continue;
    if (best.has_value() && *version < *best) continue;
    best = version;
    best_name = name;
  }
  std::vector<LibraryText> result;
  if (best.has_value()) result = read_libraries(directory + "/" + best_name);
  const size_t special = result.size();
  for (LibraryText& library : read_libraries(directory)) {
    const auto replaces = [&](const LibraryText& other) { return base_name(other.name) == base_name(library.name); };
    const auto last = result.begin() + static_cast<std::ptrdiff_t>(special);
    if (std::none_of(result.begin(), last, replaces)) result.push_back(std::move(library));
  }
  return result;
}

std::vector<LibraryText> needed_libraries(std::vector<LibraryText> libraries, std::span<const std::string_view> texts) {
  Words words;
  for (std::string_view text : texts) add_words(text, words);
  for (const LibraryText& library : libraries) {
    if (!library.trusted) add_words(library.text, words);
  }
  std::vector<bool> needed(libraries.size());
  const auto depended_on = [&](size_t index) {
    const std::string name = base_name(libraries[index].name);
    for (size_t i = 0; i < libraries.size(); i++) {
      if (needed[i] && libraries[i].text.find(name) != std::string::npos) return true;
    }
    return false;
  };
  const auto used = [&](size_t index) {
    const Words names = declared_names(libraries[index].text);
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return words.contains(name); });
  };
  for (bool grown = true; grown;) {
    grown = false;
    for (size_t i = 0; i < libraries.size(); i++) {
      if (needed[i] || (libraries[i].trusted && !used(i) && !depended_on(i))) continue;
      needed[i] = grown = true;
      add_words(libraries[i].text, words);
    }
  }
  std::vector<LibraryText> result;
  for (size_t i = 0; i < libraries.size(); i++) {
    if (needed[i]) result.push_back(std::move(libraries[i]));
  }
  return result;
}

Result<std::vector<LibraryText>> order_libraries(std::vector<LibraryText> libraries, const HasDependency& has) {
  std::vector<Node> nodes;
  nodes.reserve(libraries.size());
  for (LibraryText& library : libraries) nodes.push_back(examine(std::move(library), has));
  return Sorter(std::move(nodes)).run();
}

}  // namespace ht::d
