#include "daemon/program_store.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

namespace ht::daemon {

void ProgramStore::hold(Kind kind, const std::string& sha256, ByteView object) {
  const std::string name = path(kind, sha256);
  if (users_[name]++ > 0) return;
  // Nothing reads it back: a full disk must not stop anybody from tracing.
  if (auto written = write_file_atomically(name, object, 0600); !written.ok()) {
    log::warn("{}", written.error().message);
  }
}

void ProgramStore::release(Kind kind, const std::string& sha256) {
  auto found = users_.find(path(kind, sha256));
  if (found == users_.end() || --found->second > 0) return;
  ::unlink(found->first.c_str());
  users_.erase(found);
}

}  // namespace ht::daemon
