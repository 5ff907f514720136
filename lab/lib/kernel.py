"""Debian kernels by name: asked of apt, downloaded, unpacked in the cache, never installed.

A kernel is named by a flavour ("cloud-amd64"), a version or a glob of versions ("6.1.0-*-cloud-amd64"), or
one of these behind a suite ("trixie/cloud-amd64"). Nothing here needs root: if the system's own package
lists do not have the kernel, lists of the lab's own are fetched into the cache.
"""
import collections
import fnmatch
import glob
import os
import re
import shutil
import subprocess
import tempfile

import dirs
from say import LabError, note, progress

# release: what `uname -r` will say. vmlinuz: a file. modules: the directory with this kernel's modules.
Kernel = collections.namedtuple("Kernel", "release vmlinuz modules")

PREFIX = "linux-image-"


def get(spec):
    suite, _, pattern = spec.rpartition("/")
    with dirs.locked(dirs.cache("kernels.lock")):
        try:
            return _fetch(suite, pattern)
        except LabError as error:
            kept = _newest_kept(pattern) if not suite else None
            if not kept:
                raise
            note(f"{error}; using the newest one in the cache, {kept.release}")
            return kept


def _fetch(suite, pattern):
    error = None
    for apt in _apts(suite):
        apt.ensure_lists()
        package = apt.resolve(pattern)
        if not package:
            continue
        try:
            return _unpacked(apt, package)
        except LabError as failure:  # the lists may be older than the archive: the next apt's are new
            error = failure
    raise error or LabError(f"no kernel named {pattern!r}" + (f" in {suite}" if suite else ""))


def _apts(suite):
    """The package lists to ask, in turn: the system's, the lab's own, the lab's own made new."""
    if not suite:
        yield Apt(None, [])
    own = Apt.own(suite)
    yield own
    own.update()
    yield own


class Apt:
    """apt with one set of package lists."""

    def __init__(self, state, options):
        self._state = state  # where this apt keeps lists of the lab's own; None: the system's lists
        self._options = options

    @classmethod
    def own(cls, suite):
        state = dirs.cache("apt", suite or "system")
        os.makedirs(os.path.join(state, "lists", "partial"), exist_ok=True)
        os.makedirs(os.path.join(state, "cache", "archives", "partial"), exist_ok=True)
        options = [f"Dir::State::lists={state}/lists", f"Dir::Cache={state}/cache", "APT::Sandbox::User=root"]
        if suite:
            sources = os.path.join(state, "sources.list")
            with open(sources, "w", encoding="ascii") as out:
                out.write(f"deb {_mirror()} {suite} main\n")
            options += [f"Dir::Etc::sourcelist={sources}", "Dir::Etc::sourceparts=-"]
        return cls(state, options)

    def _run(self, command, *args, cwd=None):
        words = [command, "-qq"] + [word for option in self._options for word in ("-o", option)]
        return subprocess.run(words + list(args), cwd=cwd, capture_output=True, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C"})

    def ensure_lists(self):
        if self._state and not glob.glob(os.path.join(self._state, "lists", "*Packages*")):
            self.update()

    def update(self):
        progress("fetching package lists")
        done = self._run("apt-get", "update")
        if done.returncode:
            raise LabError(f"cannot fetch package lists: {_last_line(done.stderr)}")

    def resolve(self, pattern):
        """The newest package that matches, through any meta package (a flavour) to the real one."""
        names = self._run("apt-cache", "pkgnames", PREFIX).stdout.split()
        names = [name for name in names if fnmatch.fnmatchcase(name, PREFIX + pattern)
                 and not name.endswith(("-dbg", "-unsigned")) and "-template" not in name]
        while names:
            package = max(names, key=_natural)
            depends = self._run("apt-cache", "depends", "--important", package).stdout
            names = re.findall(rf"Depends: ({PREFIX}\S+)", depends)
            if not names:
                return package if re.match(PREFIX + r"\d", package) else None
        return None

    def deb_name(self, package):
        uris = self._run("apt-get", "download", "--print-uris", package)
        match = re.search(r"^'[^']+' (\S+)", uris.stdout, re.M)
        if uris.returncode or not match:
            raise LabError(f"apt cannot download {package}: {_last_line(uris.stderr)}")
        return match.group(1).replace("%3a", ":")

    def download(self, package, directory):
        done = self._run("apt-get", "download", package, cwd=directory)
        debs = glob.glob(os.path.join(directory, "*.deb"))
        if done.returncode or not debs:
            raise LabError(f"cannot download {package}: {_last_line(done.stderr)}")
        return debs[0]


def _mirror():
    """The archive this machine already uses: the lab names none of its own."""
    lines = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
        capture_output=True, text=True, check=False).stdout.splitlines()
    for line in lines:
        uri, _, release = line.partition(" ")
        if release and not release.endswith("-security"):
            return uri
    raise LabError("apt has no archive configured")


def _unpacked(apt, package):
    home = dirs.cache("kernels", apt.deb_name(package).removesuffix(".deb"))
    if not os.path.isdir(home):
        progress(f"fetching {package}")
        os.makedirs(os.path.dirname(home), exist_ok=True)
        with tempfile.TemporaryDirectory(dir=os.path.dirname(home), prefix=".new-") as scratch:
            deb = apt.download(package, scratch)
            tree = os.path.join(scratch, "tree")
            subprocess.run(["dpkg-deb", "-x", deb, tree], check=True)
            os.rename(tree, home)
    return _at(home)


def _at(home):
    vmlinuz = glob.glob(os.path.join(home, "boot", "vmlinuz-*"))
    modules = glob.glob(os.path.join(home, "lib/modules/*")) + glob.glob(os.path.join(home, "usr/lib/modules/*"))
    if not vmlinuz or not modules:
        shutil.rmtree(home, ignore_errors=True)
        raise LabError(f"{os.path.basename(home)} holds no kernel")
    return Kernel(os.path.basename(modules[0]), vmlinuz[0], modules[0])


def _newest_kept(pattern):
    homes = glob.glob(dirs.cache("kernels", PREFIX + "*"))
    homes = [home for home in homes
             if fnmatch.fnmatchcase(os.path.basename(home).split("_")[0], PREFIX + pattern)
             or re.fullmatch(PREFIX + r"[\d.+~a-z-]*\d-" + re.escape(pattern), os.path.basename(home).split("_")[0])]
    return _at(max(homes, key=_natural)) if homes else None


def _natural(text):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def _last_line(text):
    return (text.strip().splitlines() or ["no reason given"])[-1]
