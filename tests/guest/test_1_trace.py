"""The main job: real guests, traced live; counts are exact; ^C leaves nothing behind."""
import os
import re
import signal

from harness import BIN, VMS, until


def rows(text):
    """Lines of words."""
    return [line.split() for line in text.splitlines() if line.strip()]


def no_drops(outcome):
    assert "drop" not in outcome.err, outcome


def test_programs_by_vm(world):
    trace = world.start_dtrace("-n", "vm*:syscall:::entry { @[vmname, execname] = count(); }")
    for vm in VMS:
        world.guest(vm, "burst", "1000")
        world.guest(vm, "forks", "5")
    done = trace.interrupt()
    assert done.status == 0, done
    no_drops(done)
    found = {(r[0], r[1]): int(r[2]) for r in rows(done.out) if len(r) == 3}
    for vm in VMS:
        # burst's own calls, and a few dozen that starting and ending it takes.
        assert 1000 <= found[(vm, "burst")] < 1200, done
        assert found[(vm, "forks")] > 5, done


def test_guest_types(world):
    trace = world.start_dtrace(
        "-n", "vm*:syscall:::entry { @[curthread->cred->uid.val, curthread->cred->gid.val] = count(); }")
    for vm in VMS:
        world.guest(vm, "burst", "500")
    done = trace.interrupt()
    assert done.status == 0, done
    found = {(r[0], r[1]): int(r[2]) for r in rows(done.out) if len(r) == 3}
    assert found[("0", "0")] >= 1000, done


def test_latencies_by_thread(world):
    trace = world.start_dtrace("-n", "vm*:syscall:::entry { self->ts = timestamp; } vm*:syscall:::return /self->ts/ "
                               "{ @[vmname, probefunc] = quantize(timestamp - self->ts); self->ts = 0; }")
    running = [world.guest_background(vm, "burst", "20000") for vm in VMS]
    for one in running:
        assert one.wait().status == 0
    done = trace.interrupt()
    assert done.status == 0, done
    for vm in VMS:
        match = re.search(rf"^ *{vm} +getppid *\n\n? *value  -+ Distribution -+ count *\n((?: +-?\d+ \|.*\n)+)", done.out, re.M)
        assert match, done
        total = sum(int(line.split()[-1]) for line in match.group(1).splitlines())
        assert total == 20000, f"{vm}: {total}\n{done}"


def test_a_million_calls_in_each_guest_at_once(world):
    trace = world.start_dtrace("-n", 'vm*:syscall:::entry /execname == "burst"/ { @[vmname, probefunc] = count(); }')
    running = [world.guest_background(vm, "burst", "1000000") for vm in VMS]
    for one in running:
        outcome = one.wait(300)
        assert outcome.status == 0 and outcome.out.strip() == "1000000", outcome
    done = trace.interrupt()
    found = {(r[0], r[1]): int(r[2]) for r in rows(done.out) if len(r) == 3}
    drops = dict((vm, int(n)) for n, vm in re.findall(r"(\d+) drops? on (vm\d)", done.err))
    for vm in VMS:
        assert 1000000 - drops.get(vm, 0) <= found[(vm, "getppid")] <= 1000000, f"the sum does not agree {done.out}"
        assert found[(vm, "getppid")] == 1000000 and not drops, done


def test_two_commands_at_once_do_not_disturb_each_other(world):
    first = world.start_dtrace("-n", 'vm*:syscall::getppid:entry { @["first", vmname] = count(); }')
    world.guest("vm1", "burst", "1000")
    second = world.start_dtrace("-n", 'vm*:syscall::getppid:entry { @["second", vmname] = count(); }')
    running = [world.guest_background(vm, "burst", "30000") for vm in VMS]
    for one in running:
        assert one.wait().status == 0
    one = second.interrupt()
    world.guest("vm2", "burst", "500")
    other = first.interrupt()
    assert one.status == 0 and other.status == 0, f"{one}\n{other}"
    found = {(r[0], r[1]): int(r[2]) for r in rows(one.out + other.out) if len(r) == 3}
    assert found == {("first", "vm1"): 31000, ("first", "vm2"): 30500,
                     ("second", "vm1"): 30000, ("second", "vm2"): 30000}, f"{one}\n{other}"


def test_entry_and_return_with_arguments(world):
    trace = world.start_dtrace(
        "-n", 'vm1:syscall::kill:entry /execname == "sh"/ { printf("[%d %d]", (int)arg0, (int)arg1); } '
        'vm1:syscall::kill:return /execname == "sh"/ { printf("[= %d %d]", (int)arg0, errno); }')
    world.lab("exec", "vm1", "sh", "-c", "kill -0 $$; kill -0 99999999; true")
    done = trace.interrupt()
    assert done.status == 0, done
    assert re.findall(r"kill:(\w+) \[(.*)\]", done.out)[1:] == [
        ("return", "= 0 0"), ("entry", "99999999 0"), ("return", "= -3 3")], done


def test_32_bit_calls_are_told_apart(world):
    world.push_program("vm1", "compat")
    trace = world.start_dtrace("-n", 'vm1:syscall::semget:entry,vm1:syscall::getppid:entry { @[execname, probefunc] = '
                               'count(); }')
    assert world.guest("vm1", "/root/compat", "500").strip() == "500"
    world.guest("vm1", "burst", "300")
    done = trace.interrupt()
    assert done.status == 0 and rows(done.out) == [["burst", "getppid", "300"]], done


def test_interrupt_detaches_everything(world):
    for vm in VMS:
        assert world.attached(vm) == [], "before"
    trace = world.start_dtrace("-n", "vm*:syscall:::entry { @ = count(); }")
    for vm in VMS:
        assert world.attached(vm), f"{vm}: nothing attached while tracing"
    done = trace.interrupt()
    assert done.status == 0, done
    for vm in VMS:
        assert world.attached(vm) == [], "after"
    assert world.programs() == 0


def test_an_interrupt_that_arrives_twice_counts_once(world):
    # timeout(1) sends its signal to the command and then to their group.
    trace = world.start_dtrace("-n", "vm1:syscall::getppid:entry { @[vmname] = count(); }")
    world.guest("vm1", "burst", "100")
    trace.process.send_signal(signal.SIGINT)
    until(lambda: "ShdPnd:\t0000000000000000" in open(f"/proc/{trace.process.pid}/status", encoding="ascii").read()
          or not trace.alive(), "the first is delivered", 5)
    done = trace.interrupt()
    assert done.status == 0 and rows(done.out) == [["vm1", "100"]], done


def test_exit_from_a_guests_probe(world):
    trace = world.start_dtrace("-n", "vm2:syscall::getppid:entry { exit(3); }")
    world.guest("vm2", "burst", "10")
    done = trace.wait(30)
    assert done.status == 3, done
    assert world.attached("vm2") == []


def test_host_probes_beside_guests(world):
    done = world.dtrace("-E", "-q", "-n", 'BEGIN { n = 0; printf("begin\\n"); } tick-100ms { n++; } '
                        'tick-1s { exit(0); } END { printf("end %d\\n", n > 5); }')
    assert done.status == 0 and done.out.split("\n")[:2] == ["begin", "end 1"], done


def test_listing_names_the_guest_first(world):
    done = world.dtrace("-E", "-l", "-n", "vm*:syscall::getppid:")
    assert done.status == 0, done
    listed = rows(done.out)
    assert listed[0] == ["TARGET", "ID", "PROVIDER", "MODULE", "FUNCTION", "NAME"], done
    assert sorted((r[0], r[2], r[3], r[4], r[5]) for r in listed[1:]) == sorted(
        (vm, "syscall", "vmlinux", "getppid", name) for vm in VMS for name in ("entry", "return")), done


def test_a_dead_client_is_cleaned_up(world):
    trace = world.start_dtrace("-n", "vm*:syscall:::entry { @ = count(); }")
    trace.process.kill()
    trace.process.wait()
    until(lambda: world.programs() == 0 and not world.attached("vm1") and not world.attached("vm2"),
          "the dead client's programs are gone", 20)


def test_without_a_daemon(world):
    env = dict(world.env, DDTRACE_DIR=os.path.join(world.directory, "nobody"))
    done = world.dtrace("-n", 'BEGIN { printf("hi\\n"); exit(0); }', env=env)
    assert done.status == 0 and "hi\n" in done.out, done
    done = world.dtrace("-E", "-n", "vm*:syscall:::entry { @ = count(); }", env=env)
    assert done.status == 1 and "dtraced" in done.err and "sub.sock" in done.err, done
    assert BIN  # the binaries under test
