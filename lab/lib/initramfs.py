"""The guest's root: busybox, kernel modules, the lab's agent and workloads, bpftool and dtraced.

The archive is kept in the cache under the hash of what is in it, so an unchanged guest costs nothing.
"""
import glob
import hashlib
import os
import re
import subprocess
import tempfile

import cpio
import dirs
import modules
from say import LabError, note, progress

MODULES = ["virtio_pci", "virtio_console"]

# Where each program of lab/guest/ goes in the guest.
PROGRAMS = {
    "labagent": ["/usr/local/sbin/labagent"],
    "burst": ["/usr/local/bin/burst"],
    "files": ["/usr/local/bin/files"],
    "forks": ["/usr/local/bin/forks"],
    "sleeper": ["/usr/local/bin/sleeper"],
    "echo": ["/usr/local/bin/" + name for name in ("udpecho", "udpsend", "tcpecho", "tcpsend")],
}
COMPILE = ["-static", "-O2", "-pthread", "-Wall", "-Wextra"]

LIBRARIES = "/lib/x86_64-linux-gnu/"  # one of the loader's default directories, whatever a RUNPATH says
STRIP_ABOVE = 32 << 20  # bytes: debug information of a development build only fills the guest's memory
KEEP = 8  # archives


def build(kernel):
    archive = cpio.Archive()
    archive.directory("/proc")
    archive.device("/dev/console", 5, 1)
    archive.file("/bin/busybox", _busybox())
    for name, path in (("init", "/init"), ("inittab", "/etc/inittab"), ("minion", "/usr/local/sbin/minion")):
        archive.file(path, _contents(os.path.join(dirs.LAB, "guest", name)))

    wanted = MODULES + os.environ.get("LAB_MODULES", "").split()
    loaded = modules.closure(kernel.modules, wanted)
    archive.file("/lib/lab-modules", "".join(name + "\n" for name, _ in loaded).encode(), 0o644)
    for name, data in loaded:
        archive.file("/lib/lab-modules.d/" + name, data, 0o644)

    built = _programs()
    for name, paths in PROGRAMS.items():
        for path in paths:
            archive.file(path, _contents(os.path.join(built, name)))

    libraries = {}
    _dynamic(archive, libraries, "/usr/sbin/bpftool", _bpftool())
    _dynamic(archive, libraries, "/usr/sbin/dtraced", dirs.binary("dtraced", "LAB_DTRACED"))
    for path, source in sorted(libraries.items()):
        archive.file(path, _contents(source))
    return _store(archive.contents())


def has_minion():
    return dirs.binary("dtraced", "LAB_DTRACED") is not None


def _contents(path):
    with open(path, "rb") as file:
        return file.read()


def _busybox():
    path = dirs.tool("busybox")
    if not path:
        raise LabError("busybox is missing: install busybox-static")
    data = _contents(path)
    if b"/ld-linux" in data:
        raise LabError(f"{path} is not static: install busybox-static")
    return data


def _bpftool():
    """Debian's /usr/sbin/bpftool is the program itself; elsewhere it may be a wrapper, which is of no use."""
    path = dirs.tool("bpftool")
    if not path or _contents(path)[:4] != b"\x7fELF":
        note("no bpftool: the guests have none either")
        return None
    return path


def _dynamic(archive, libraries, path, source):
    """Adds a program, and to `libraries` the loader and shared libraries that it needs."""
    if not source:
        return
    archive.file(path, _lean(source))
    listing = subprocess.run(["ldd", source], capture_output=True, text=True, check=False).stdout
    missing = re.findall(r"(\S+) => not found", listing)
    if missing:
        raise LabError(f"{source} needs {', '.join(missing)}, not found here")
    for name, target in re.findall(r"(\S+) => (/\S+)", listing):
        libraries[LIBRARIES + os.path.basename(name)] = target
    for loader in re.findall(r"^\s*(/\S+) \(", listing, re.M):
        libraries[loader] = loader


def _lean(source):
    strip = dirs.tool("strip")
    if not strip or os.path.getsize(source) < STRIP_ABOVE:
        return _contents(source)
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "stripped")
        done = subprocess.run([strip, "--strip-debug", "-o", out, source], check=False, capture_output=True)
        return _contents(source if done.returncode else out)


def _programs():
    """The directory with the compiled programs of lab/guest/, compiled anew only when a source changed."""
    sources = sorted(glob.glob(os.path.join(dirs.LAB, "guest", "*.[ch]")))
    digest = hashlib.sha256(repr(COMPILE).encode() + b"".join(_contents(source) for source in sources)).hexdigest()
    home = dirs.cache("guest", digest[:16])
    with dirs.locked(dirs.cache("guest.lock")):
        if os.path.isdir(home):
            return home
        compiler = os.environ.get("CC") or dirs.tool("gcc") or dirs.tool("cc")
        if not compiler:
            raise LabError("no C compiler: install gcc")
        progress("compiling the guest's programs")
        os.makedirs(os.path.dirname(home), exist_ok=True)
        with tempfile.TemporaryDirectory(dir=os.path.dirname(home), prefix=".new-") as scratch:
            out = os.path.join(scratch, "out")
            os.mkdir(out)
            for name in PROGRAMS:
                source = os.path.join(dirs.LAB, "guest", name + ".c")
                done = subprocess.run([compiler, *COMPILE, "-o", os.path.join(out, name), source],
                                      capture_output=True, text=True, check=False)
                if done.returncode:
                    raise LabError(f"cannot compile {source}:\n{done.stderr}")
            os.rename(out, home)
    return home


def _store(data):
    home = dirs.cache("initramfs")
    path = os.path.join(home, hashlib.sha256(data).hexdigest()[:16] + ".cpio")
    with dirs.locked(dirs.cache("initramfs.lock")):
        os.makedirs(home, exist_ok=True)
        if os.path.exists(path):
            os.utime(path)
            return path
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.rename(path + ".new", path)
        # QEMU reads the archive once, at its start: an old one is never needed again.
        for old in sorted(glob.glob(os.path.join(home, "*.cpio")), key=os.path.getmtime)[:-KEEP]:
            os.unlink(old)
    return path
