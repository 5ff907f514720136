"""Talks to the agent in a guest: the host's end of the protocol that guest/labagent.c describes."""
import contextlib
import fcntl
import os
import random
import select
import socket
import struct
import time

from say import LabError
from vm import PORTS

HELLO = b"HTLAB-HELLO-v1\r\n"
READY = b"HTLAB-READY-v1\r\n"
READY_SIZE = 16 + 16 + 36
HEADER = struct.Struct("<cI")
CHUNK = 32768
MAX_ARGUMENTS = 65536

ANSWER_SECONDS = (3, 6, 12, 24)  # for each try: a guest on a busy host may take its time
WAIT_FOR_PORT = 60


class Lost(LabError):
    """The guest went away, or was restarted, in the middle of a session."""


class Session:
    """A connection to one of the guest's ports. `boot_id` is that of the kernel that answered."""

    def __init__(self, vm, port):
        self.vm = vm
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(vm.path(f"lab.{port}.sock"))
        except OSError as error:
            raise Lost(f"{vm.name}: its port cannot be opened: {error.strerror}") from error
        self._in = b""
        self.boot_id = None

    def close(self):
        self._socket.close()

    def hello(self, seconds):
        """Begins a session. False if the guest did not answer in time."""
        nonce = os.urandom(16)
        self._socket.sendall(HELLO + nonce)
        return self._await_ready(lambda ready: ready[16:32] == nonce, seconds)

    def await_restart(self, boot_id, seconds):
        """Waits until an agent reports itself from a kernel other than that one."""
        return self._await_ready(lambda ready: ready[32:] != boot_id, seconds)

    def _await_ready(self, accepts, seconds):
        deadline = time.monotonic() + seconds
        while True:
            at = self._in.find(READY)
            if at >= 0 and len(self._in) >= at + READY_SIZE:
                ready, self._in = self._in[at:at + READY_SIZE], self._in[at + READY_SIZE:]
                if accepts(ready):
                    self.boot_id = ready[32:]
                    return True
                continue
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                return False
            self._receive()

    def _receive(self):
        try:
            data = self._socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            raise Lost(f"{self.vm.name} went away")
        self._in += data

    def _send(self, kind, data):
        try:
            self._socket.sendall(HEADER.pack(kind, len(data)) + data)
        except OSError as error:
            raise Lost(f"{self.vm.name} went away") from error

    def run(self, argv, stdin, stdout, stderr):
        """Runs a command; gives its output, as it comes, to stdout(bytes) and stderr(bytes).

        stdin is a file descriptor to pass on, or None. Returns the exit status.
        """
        command = b"".join(os.fsencode(word) + b"\0" for word in argv)
        if len(command) > MAX_ARGUMENTS:
            raise LabError("the command is too long")
        self._send(b"X", command)
        if stdin is None:
            self._send(b"I", b"")
        while True:
            for kind, data in self._frames():
                if kind == b"1":
                    stdout(data)
                elif kind == b"2":
                    stderr(data)
                elif kind == b"E":
                    return data[0]
            ready, writable, _ = select.select(
                [self._socket] + ([stdin] if stdin is not None else []),
                [self._socket] if stdin is not None else [], [])
            if self._socket in ready:
                self._receive()
            elif stdin in ready and writable:
                data = os.read(stdin, CHUNK)
                self._send(b"I", data)
                stdin = stdin if data else None
            elif writable:  # nothing to send: do not spin on a writable socket
                select.select([self._socket, stdin], [], [])

    def _frames(self):
        while len(self._in) >= HEADER.size:
            kind, size = HEADER.unpack_from(self._in)
            if kind not in (b"1", b"2", b"E"):
                raise Lost(f"{self.vm.name} was restarted")
            if len(self._in) < HEADER.size + size:
                return
            data = self._in[HEADER.size:HEADER.size + size]
            self._in = self._in[HEADER.size + size:]
            yield kind, data


@contextlib.contextmanager
def _free_port(vm):
    """Holds one of the guest's ports. QEMU serves one client for each, so they are locked among clients."""
    deadline = time.monotonic() + WAIT_FOR_PORT
    while True:
        for port in random.sample(range(PORTS), PORTS):
            try:
                lock = open(vm.path(f"lab.{port}.lock"), "w", encoding="ascii")
            except OSError as error:
                raise Lost(f"{vm.name} went away") from error
            with lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield port
                return
        if time.monotonic() > deadline:
            raise LabError(f"{vm.name}: {PORTS} commands are running already, and none ended")
        time.sleep(0.05)


@contextlib.contextmanager
def session(vm, seconds=ANSWER_SECONDS):
    """A session on a free port of a guest that answers."""
    with _free_port(vm) as port:
        for limit in seconds:
            link = Session(vm, port)
            try:
                if link.hello(limit):
                    yield link
                    return
            finally:
                link.close()
            time.sleep(0.2)  # long enough for the guest to see the port close, which makes it start afresh
        raise LabError(f"{vm.name} does not answer")
