"""Which accelerator QEMU gets: KVM if it can really run a kernel here, otherwise emulation.

That /dev/kvm opens proves nothing: there are machines on which it does and then cannot run an ordinary
kernel. So a kernel is booted once, without a root file system: when it has come as far as to complain about
that, KVM works. The verdict holds until the host is booted again.
"""
import os
import resource
import subprocess
import tempfile

import dirs
from say import progress

KVM = ["-accel", "kvm"]
TCG = ["-accel", "tcg,thread=multi"]
SECONDS = 8
PROOF = b"Kernel panic - not syncing: VFS"


def options(kernel):
    forced = os.environ.get("LAB_ACCEL")
    if forced:
        return KVM if forced == "kvm" else TCG
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return TCG
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    verdict = dirs.cache("kvm-verdict")
    with dirs.locked(dirs.cache("kvm.lock")):
        try:
            with open(verdict, encoding="ascii") as file:
                known, works = file.read().split()
        except (OSError, ValueError):
            known = None
        if known != boot:
            works = "yes" if _boots(kernel) else "no"
            with open(verdict, "w", encoding="ascii") as file:
                file.write(f"{boot} {works}\n")
    return KVM if works == "yes" else TCG


def _boots(kernel):
    progress("trying whether /dev/kvm can run a kernel")
    with tempfile.NamedTemporaryFile() as console:
        command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   "-machine", "q35", *KVM, "-cpu", "max", "-m", "256", "-kernel", kernel.vmlinuz,
                   "-append", "console=ttyS0 panic=-1", "-serial", "file:" + console.name]
        try:
            subprocess.run(command, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
        except subprocess.TimeoutExpired:
            pass
        return PROOF in console.read()
