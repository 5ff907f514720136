"""One guest: its directory, its QEMU process, and what may be done to that process.

The directory RUN/NAME/ is the whole state:
    vm.json          name, kernel release, smp, mem, uuid
    pid              QEMU's process id
    hypertrace.sock  chardev of the port org.hypertrace.0, which dtraced uses
    lab.N.sock       chardevs of the ports org.hypertrace.lab.N; a client holds the lock lab.N.lock
    qmp.sock         QEMU's monitor
    console.log      the guest's serial console
    qemu.log         what QEMU itself had to say
"""
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import uuid

import accel
import dirs
from say import LabError

PORTS = 8  # commands that can run in one guest at a time
LONGEST_SOCKET = 107  # bytes in sockaddr_un.sun_path, less the NUL


class Vm:
    def __init__(self, name):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", name):
            raise LabError(f"{name!r} is no name for a guest")
        self.name = name
        self.home = dirs.run(name)

    def path(self, name):
        return os.path.join(self.home, name)

    def facts(self):
        try:
            with open(self.path("vm.json"), encoding="ascii") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def exists(self):
        return os.path.isdir(self.home)

    def pid(self):
        """The id of this guest's running QEMU, or None. A process that merely has that number is not it."""
        try:
            with open(self.path("pid"), encoding="ascii") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except (OSError, ValueError):
            return None
        ours = os.fsencode(self.home) + b"/"
        return pid if any(ours in word for word in words) else None

    def start(self, kernel, initramfs, smp, mem):
        if len(os.fsencode(self.path("hypertrace.sock"))) > LONGEST_SOCKET:
            raise LabError(f"{self.home} is too long a path for a socket: set LAB_DIR to a shorter one")
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(self.home, mode=0o700)
        identity = str(uuid.uuid4())
        facts = {"name": self.name, "kernel": kernel.release, "smp": smp, "mem": mem, "uuid": identity}
        with open(self.path("vm.json"), "w", encoding="ascii") as file:
            json.dump(facts, file)
        with open(self.path("qemu.log"), "wb") as log:
            command = self._command(kernel, initramfs, smp, mem, identity)
            log.write(" ".join(command).encode() + b"\n")
            log.flush()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        with open(self.path("pid"), "w", encoding="ascii") as file:
            file.write(f"{process.pid}\n")
        return process

    def _command(self, kernel, initramfs, smp, mem, identity):
        append = [
            "console=ttyS0", "quiet",
            "panic=-1",  # a crashed guest comes back by itself
            "mitigations=off",  # under emulation they cost much and protect nothing: the guest is throw-away
            f"lab.name={self.name}", f"lab.ports={PORTS + 1}", *os.environ.get("LAB_APPEND", "").split(),
        ]
        command = [
            "qemu-system-x86_64", "-name", self.name, "-uuid", identity,
            "-no-user-config", "-nodefaults", "-display", "none",
            "-machine", "q35,memory-backend=ram", *accel.options(kernel), "-cpu", "max",
            "-smp", str(smp), "-m", f"{mem}M",
            "-object", f"memory-backend-memfd,id=ram,size={mem}M,share=on",
            "-kernel", kernel.vmlinuz, "-initrd", initramfs, "-append", " ".join(append),
            "-chardev", f"file,id=console,path={self.path('console.log')}", "-serial", "chardev:console",
            "-qmp", f"unix:{self.path('qmp.sock')},server=on,wait=off",
            "-device", "virtio-serial-pci",
            *self._port("hypertrace", "org.hypertrace.0", "hypertrace.sock"),
        ]
        for n in range(PORTS):
            command += self._port(f"lab{n}", f"org.hypertrace.lab.{n}", f"lab.{n}.sock")
        return command

    def _port(self, chardev, name, sock):
        return ["-chardev", f"socket,id={chardev},path={self.path(sock)},server=on,wait=off",
                "-device", f"virtserialport,chardev={chardev},name={name}"]

    def signal(self, number, seconds):
        """Signals this guest's QEMU, if it runs; whether it has ended within that many seconds."""
        pid = self.pid()
        if pid is None:
            return True
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            if self.pid() != pid:  # only now, with the process held, is the number sure to mean it
                return True
            signal.pidfd_send_signal(process, number)
            return bool(select.select([process], [], [], seconds)[0])
        except ProcessLookupError:
            return True
        finally:
            os.close(process)

    def kill(self):
        if not self.signal(signal.SIGKILL, 10):
            raise LabError(f"{self.name}: process {self.pid()} does not die")

    def stop(self):
        if not self.signal(signal.SIGTERM, 3):
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def reset(self):
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(10)
            try:
                monitor.connect(self.path("qmp.sock"))
                lines = monitor.makefile("rw")
                lines.readline()  # the greeting
                for verb in ("qmp_capabilities", "system_reset"):
                    lines.write(json.dumps({"execute": verb}) + "\n")
                    lines.flush()
                    while "return" not in (answer := json.loads(lines.readline() or '{"error": "closed"}')):
                        if "error" in answer:
                            raise LabError(f"{self.name}: QEMU refuses {verb}: {answer['error']}")
            except OSError as error:
                raise LabError(f"{self.name}: QEMU's monitor does not answer: {error}") from error

    def console_tail(self, lines=15):
        try:
            with open(self.path("console.log"), encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""


def every():
    """All guests of this run directory, running or dead."""
    try:
        names = sorted(os.listdir(dirs.run()), key=lambda name: (len(name), name))
    except OSError:
        return []
    return [Vm(name) for name in names if os.path.exists(dirs.run(name, "vm.json"))]


def running(name):
    vm = Vm(name)
    if not vm.exists():
        raise LabError(f"there is no guest {name} (lab list shows those there are)")
    if vm.pid() is None:
        raise LabError(f"{name} is not running")
    return vm
