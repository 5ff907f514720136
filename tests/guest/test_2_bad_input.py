"""Bad input of any kind: a clear message, a non-zero exit, and nothing else affected."""
import os
import socket
import struct
import subprocess

from harness import BIN, until


def refused(done, *words):
    assert done.status == 1, done
    for word in words:
        assert word in done.err, f"'{word}' is not said\n{done}"


def still_works(world):
    trace = world.start_dtrace("-n", "vm*:syscall::getppid:entry { @[vmname] = count(); }")
    world.guest("vm1", "burst", "100")
    world.guest("vm2", "burst", "200")
    done = trace.interrupt()
    assert done.status == 0 and done.out.split() == ["vm1", "100", "vm2", "200"], done


def test_a_target_that_matches_no_guest(world):
    refused(world.dtrace("-E", "-n", "web*:syscall:::entry { @ = count(); }"), "web*", "vm1")


def test_a_probe_that_matches_nothing(world):
    refused(world.dtrace("-E", "-n", "vm*:syscall::nosuchcall:entry { @ = count(); }"), "nosuchcall",
            "does not match any probes")
    done = world.dtrace("-E", "-Z", "-n", "vm*:syscall::nosuchcall:entry { @ = count(); } BEGIN { exit(0); }")
    assert done.status == 0, done


def test_a_syntax_error(world):
    refused(world.dtrace("-E", "-n", "vm*:syscall:::entry { @[vmname = count(); }"), "syntax error", "^")


def test_a_member_that_does_not_exist(world):
    script = os.path.join(world.directory, "member.d")
    with open(script, "w", encoding="ascii") as file:
        file.write("vm*:syscall:::entry\n{\n\t@[curthread->credz->uid.val] = count();\n}\n")
    done = world.dtrace("-E", "-s", script)
    kernel = world.guest("vm1", "uname", "-r").strip()
    refused(done, "member.d", "line 3", "credz", "struct task_struct", "vm1", kernel, "cred", "^")
    assert world.attached("vm1") == []


def test_a_second_overlord(world):
    run = subprocess.run([f"{BIN}/dtraced", "-O", "-d", "-D", world.env["DDTRACE_DIR"]], capture_output=True, text=True,
                         timeout=30, check=False)
    assert run.returncode == 1 and str(world.overlord.pid) in run.stderr, f"{run.returncode} {run.stderr}"
    still_works(world)


def connect(world):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(os.path.join(world.env["DDTRACE_DIR"], "sub.sock"))
    return client


def test_garbage_on_the_socket(world):
    for garbage in (os.urandom(4096), b"\x7fELF" + os.urandom(1000), struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF), b"\0"):
        with connect(world) as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
    still_works(world)


def test_a_garbage_elf(world):
    path = os.path.join(world.directory, "garbage.elf")
    with open(path, "wb") as file:
        file.write(b"\x7fELF" + os.urandom(5000))
    done = world.dtrace("-E", "-Y", path)
    refused(done, "ELF")
    still_works(world)


def test_garbage_on_the_guest_channel(world):
    # The guest stops its minion and writes whatever it likes; the minion is started again by the guest's init.
    trace = world.start_dtrace("-n", "vm1:syscall::getppid:entry { @[vmname] = count(); }")
    world.guest("vm2", "sh", "-c", "kill $(pidof dtraced); sleep 0.2; "
                "dd if=/dev/urandom of=/dev/virtio-ports/org.hypertrace.0 bs=1k count=64 2>/dev/null; true")
    world.guest("vm1", "burst", "1234")
    done = trace.interrupt()
    assert done.status == 0 and done.out.split() == ["vm1", "1234"], done
    until(lambda: "vm2" in world.logged(), "the log names the guest", 10, world.logged)
    until(lambda: "its agent was started again" in world.logged(), "vm2's minion is back", 20, world.logged)
    world.wait_ready("vm1", "vm2")
    still_works(world)
