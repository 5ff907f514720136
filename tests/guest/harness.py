"""What every guest test needs: one overlord, two guests, dtrace as a user runs it. Guests are booted once and shared;
a test that hurts one puts it right again. Only processes started here are stopped, by pid."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("HT_BIN", os.path.join(TREE, "build", "release", "bin"))
LAB = os.path.join(TREE, "lab", "lab")
VMS = ("vm1", "vm2")


class Outcome:
    """A finished command."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __str__(self):
        return f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Running:
    """A command that runs in the background."""

    def __init__(self, arguments, env, **options):
        self.arguments = arguments
        self.out = tempfile.TemporaryFile("w+")
        self.err = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, env=env,
                                        text=True, **options)

    def text(self, file):
        file.seek(0)
        return file.read()

    def stderr(self):
        return self.text(self.err)

    def wait(self, timeout=120):
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{' '.join(self.arguments)}\ndid not end within {timeout} s; it printed\n"
                                 f"{self.text(self.out)}\n{self.stderr()}") from None
        return Outcome(status, self.text(self.out), self.stderr())

    def interrupt(self, timeout=60):
        self.process.send_signal(signal.SIGINT)
        return self.wait(timeout)

    def alive(self):
        return self.process.poll() is None


def until(condition, what, timeout=30.0, detail=lambda: ""):
    """Waits for a condition that another process brings about."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s\n{detail()}")
        time.sleep(0.05)


class World:
    """The overlord, its directory and the two guests."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="hypertrace-test.", dir="/tmp")
        self.env = dict(os.environ, DDTRACE_DIR=os.path.join(self.directory, "ddtrace"))
        self.overlord = None
        self.log = open(os.path.join(self.directory, "dtraced.log"), "w+", encoding="utf-8")
        self.background = []

    # -- the overlord
    def start_overlord(self):
        self.overlord = subprocess.Popen([f"{BIN}/dtraced", "-O", "-d", "-D", self.env["DDTRACE_DIR"],
                                          "-s", self.env["DDTRACE_DIR"] + "/lab/*"],  # no other guests of this host
                                         stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.env)
        until(lambda: self.answers() or self.overlord.poll() is not None, "dtraced answers", detail=self.logged)
        if self.overlord.poll() is not None:
            raise AssertionError(f"dtraced ended with status {self.overlord.returncode}\n{self.logged()}")

    def answers(self):
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(os.path.join(self.env["DDTRACE_DIR"], "sub.sock"))
            return True
        except OSError:
            return False
        finally:
            client.close()

    def logged(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()[-6000:]

    def kill_overlord(self):
        self.overlord.kill()
        self.overlord.wait()

    # -- guests
    def lab(self, *arguments, timeout=180):
        run = subprocess.run([LAB, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.env,
                             timeout=timeout, check=False)
        return Outcome(run.returncode, run.stdout, run.stderr)

    def must_lab(self, *arguments, timeout=180):
        outcome = self.lab(*arguments, timeout=timeout)
        if outcome.status != 0:
            raise AssertionError(f"lab {' '.join(arguments)}: {outcome}")
        return outcome.out

    def guest(self, vm, *command, timeout=180):
        return self.must_lab("exec", vm, *command, timeout=timeout)

    def push_program(self, vm, name):
        """Compiles tests/guest/NAME.c and pushes it as /root/NAME."""
        binary = os.path.join(self.directory, name)
        if not os.path.exists(binary):
            source = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".c")
            subprocess.run(["gcc", "-O2", "-static", "-o", binary, source], check=True)
        self.must_lab("push", vm, binary, "/root/" + name)

    def guest_background(self, vm, *command):
        return self.start([LAB, "exec", vm, *command])

    def vms(self):
        """name -> row of dtracedctl list."""
        run = subprocess.run([f"{BIN}/dtracedctl", "list"], capture_output=True, text=True, env=self.env, timeout=30,
                             check=False)
        rows = {}
        for line in run.stdout.splitlines()[1:]:
            words = line.split()
            if words:
                rows[words[0]] = words
        return rows

    def restart_overlord(self):
        """After a test that may have left it dead."""
        if self.overlord.poll() is not None:
            self.start_overlord()
            self.wait_ready(*VMS)

    def wait_ready(self, *names, timeout=60):
        def ready():
            subprocess.run([f"{BIN}/dtracedctl", "vm", "rescan"], capture_output=True, env=self.env, timeout=30,
                           check=False)
            rows = self.vms()
            return all(len(rows.get(name, ())) > 1 and rows[name][1] == "ready" for name in names)
        until(ready, f"{', '.join(names)} ready", timeout,
              lambda: f"{self.vms()}\n{self.logged()}\n{self.lab('exec', names[0], 'cat', '/var/log/dtraced.log')}")

    # -- dtrace
    def start(self, arguments, **options):
        running = Running(arguments, self.env, **options)
        self.background.append(running)
        return running

    def start_dtrace(self, *arguments):
        """dtrace -E in the background, from the moment it traces: that is when it says what it matched (so not -q)."""
        running = self.start([f"{BIN}/dtrace", "-E", *arguments])
        until(lambda: "matched" in running.stderr() or not running.alive(), "dtrace traces", 60,
              lambda: f"{running.stderr()}\n{self.logged()}")
        assert running.alive(), running.wait()
        return running

    def programs(self):
        return sum(int(row[3]) for row in self.vms().values() if len(row) > 3 and row[3].isdigit())

    def dtrace(self, *arguments, timeout=60, env=None):
        return Running([f"{BIN}/dtrace", *arguments], env or self.env).wait(timeout)

    def attached(self, vm):
        """Names of our eBPF programs in a guest."""
        listed = self.guest(vm, "bpftool", "prog", "list")
        return re.findall(r"name (ht_\w+)", listed)

    def struct_of(self, vm, module, name):
        """(size, {member: offset in bits}), as bpftool in the guest reads that module's BTF, or vmlinux's."""
        dump = self.guest(vm, "sh", "-c", "bpftool -B /sys/kernel/btf/vmlinux btf dump file /sys/kernel/btf/" + module +
                          f" | grep -A200 \"STRUCT '{name}' \"").splitlines()
        members = {}
        for line in dump[1:]:
            member = re.match(r"\s+'([^']*)' type_id=\d+ bits_offset=(\d+)", line)
            if line.startswith("["):
                break
            if member:
                members[member.group(1)] = int(member.group(2))
        return int(re.search(r"size=(\d+)", dump[0]).group(1)), members

    def start_everything(self):
        self.start_overlord()
        self.must_lab("up", "--count", str(len(VMS)))
        self.wait_ready(*VMS)

    def stop_everything(self):
        for running in self.background:
            if running.alive():
                running.process.kill()
                running.process.wait()
        self.lab("down")
        if self.overlord and self.overlord.poll() is None:
            self.overlord.terminate()
            try:
                self.overlord.wait(20)
            except subprocess.TimeoutExpired:
                self.overlord.kill()
                self.overlord.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
