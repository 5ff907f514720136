#include "cmd/dtrace/object_file.h"

#include <fmt/format.h>

#include "base/fd.h"
#include "base/hash.h"
#include "cmd/dtrace/link_types.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/tracing.h"
#include "dif/listing.h"
#include "dif/verify.h"
#include "object/elf.h"

namespace ht::dtrace {
namespace {

const std::string& path_of(const CommandLine& line) {
  return line.object.empty() ? line.to_link : line.object;
}

// A command-line text travels as the source's name; a script is shown only if it is the very one.
void find_sources(CommandLine& line, const dif::Program& program) {
  for (const dif::Source& source : program.sources) {
    d::SourceText text{source.name, source.name, source.is_file, d::DescContext::kName};
    if (source.is_file) {
      auto script = read_text_file(source.name);
      if (!script || sha256_hex(as_bytes(*script)) != source.sha256) continue;
      text.text = std::move(*script);
    }
    line.originals.push_back(std::move(text));
  }
}

void add_options(const CommandLine& line, dif::Program& program) {
  for (const auto& [name, value] : line.options) {
    const dif::OptionInfo* info = dif::find_option(name);
    if (info != nullptr && info->use == dif::OptionUse::kProgram) program.options[name] = value;
  }
}

// prog.elf becomes prog.linked.elf.
std::string linked_name(const CommandLine& line) {
  if (!line.output.empty()) return line.output;
  std::string path = line.to_link;
  if (path.ends_with(".elf")) path.resize(path.size() - 4);
  return path + ".linked.elf";
}

}  // namespace

std::optional<dif::Program> read_object(CommandLine& line) {
  show_as(line.options);
  const std::string& path = path_of(line);
  auto bytes = read_file(path, object::kMaxObjectBytes);
  if (!bytes) {
    fatal(bytes.error());
    return std::nullopt;
  }
  auto program = object::read(*bytes);
  if (!program) {
    fatal(Error(fmt::format("{}: {}", path, program.error().message), program.error().hint));
    return std::nullopt;
  }
  if (auto verified = dif::verify(*program, dif::Stage::kCompiled); !verified) {
    fatal(Error(fmt::format("{}: {}", path, verified.error().message), verified.error().hint));
    return std::nullopt;
  }
  find_sources(line, *program);
  add_options(line, *program);
  return std::move(*program);
}

int list_object(CommandLine& line) {
  const auto program = read_object(line);
  if (!program) return kFatal;
  auto stream = open_output(line);
  if (!stream) return fatal(stream.error());
  (*stream)->write(dif::list_program(*program));
  auto flushed = (*stream)->flush();
  return flushed ? kOk : fatal(flushed.error());
}

int write_object(const dif::Program& program, const std::string& path, const char* what) {
  const Bytes object = object::write(program);
  if (auto written = write_file_atomically(path, object); !written) return fatal(written.error());
  if (!dif::option_set(program.options, "quiet")) say(fmt::format("{} {} ({} bytes)", what, path, object.size()));
  return kOk;
}

int link_object(CommandLine& line) {
  const auto program = read_object(line);
  if (!program) return kFatal;
  if (program->linked) {
    const std::string kernel = program->kernel.empty() ? "any kernel" : "kernel " + program->kernel;
    return fatal(fmt::format("{} is linked already, for {}", line.to_link, kernel));
  }
  const auto linked = link_here(line, *program);
  if (!linked) return kFatal;
  return write_object(*linked, linked_name(line), "linked: wrote");
}

}  // namespace ht::dtrace
