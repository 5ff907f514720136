"""The guest's providers beyond syscall: what they list, and what their probes say, judged by the workload and by what
the guest itself knows."""
import re
import time

from harness import until


def rows(text):
    """Lines of words."""
    return [line.split() for line in text.splitlines() if line.strip()]


def no_drops(outcome):
    assert outcome.status == 0 and "drop" not in outcome.err, outcome


def counts(outcome):
    """The aggregations' keys, but for the last word: the count."""
    return {tuple(row[:-1]): int(row[-1]) for row in rows(outcome.out)}


def listed(world, description):
    done = world.dtrace("-E", "-l", "-n", description, timeout=120)
    assert done.status == 0, done
    return [tuple(row) for row in rows(done.out)[1:]]


def nothing_attached(world):
    until(lambda: not world.attached("vm1"), "everything is detached", 120, lambda: str(world.attached("vm1")))


# -- rawtp and sdt

def test_tracepoints_are_those_of_the_kernels_types(world):
    command = ("for f in /sys/kernel/btf/*; do bpftool btf dump -B /sys/kernel/btf/vmlinux file $f; done "
               "| grep -o \"TYPEDEF 'btf_trace_[^']*\" | sort -u")
    known = {line.partition("btf_trace_")[2] for line in world.guest("vm1", "sh", "-c", command).splitlines()}
    assert len(known) > 500, known
    for provider in ("rawtp", "sdt"):
        found = listed(world, f"vm1:{provider}:::")
        names = [row[-1] for row in found]
        assert set(names) == known and len(names) == len(known), set(names) ^ known
    # Their subsystems are those of the events, where they are events; functions are empty.
    events = set(world.guest("vm1", "cat", "/sys/kernel/tracing/available_events").split())
    placed = {f"{row[-2]}:{row[-1]}" for row in found}
    assert len(placed & events) > 400 and "sched:sched_switch" in placed, placed - events
    assert all(row[2] == "sdt" and len(row) == 5 for row in found), found[:3]


def test_tracepoints_count_what_happened(world):
    trace = world.start_dtrace(
        "-n", 'vm1:rawtp:sched::sched_process_fork /execname == "forks"/ { @["fork", probemod, probename] = count(); } '
        'vm1:sdt:sched::sched_process_exec /execname == "true"/ '
        '{ @["exec", (int)arg1 == pid ? "same" : "other", arg0 == (int64_t)curthread ? "same" : "other"] = count(); } '
        'vm1:rawtp:sched::sched_process_exit,vm1:sdt:sched::sched_process_exit /execname == "true"/ '
        '{ @["exit", probeprov, probename] = count(); }')
    world.guest("vm1", "forks", "50")
    done = trace.interrupt()
    no_drops(done)
    assert counts(done) == {("fork", "sched", "sched_process_fork"): 50, ("exec", "same", "same"): 50,
                            ("exit", "rawtp", "sched_process_exit"): 50,
                            ("exit", "sdt", "sched_process_exit"): 50}, done
    nothing_attached(world)


def test_a_tracepoints_own_arguments(world):
    # signal_generate(int sig, struct kernel_siginfo *, struct task_struct *, int group, int result)
    trace = world.start_dtrace(
        "-n", 'vm1:rawtp:signal::signal_generate /execname == "sh" && arg0 != 17/ '
        '{ @[arg0, ((struct task_struct *)arg2)->pid == pid, arg5] = count(); }')
    world.guest("vm1", "sh", "-c", "trap : USR1 USR2; for i in 1 2 3; do kill -USR1 $$; done; kill -USR2 $$; true")
    done = trace.interrupt()
    no_drops(done)
    assert counts(done) == {("10", "1", "0"): 3, ("12", "1", "0"): 1}, done


def test_interrupts_that_come_while_a_probe_waits(world):
    # Timer interrupts, soft interrupts, wake-ups and switches all call the host too, inside of the calls that burst's
    # own probe makes. All are served: the count of burst is exact, and whatever begins also ends.
    trace = world.start_dtrace(
        "-n", 'vm1:syscall::getppid:entry { @["getppid"] = count(); } '
        'vm1:rawtp:irq::softirq_entry,vm1:rawtp:irq::softirq_exit,vm1:rawtp:timer::hrtimer_expire_entry,'
        'vm1:rawtp:timer::hrtimer_expire_exit,vm1:rawtp:sched::sched_waking,vm1:rawtp:sched::sched_switch,'
        'vm1:rawtp:irq_vectors::local_timer_* { @[probename] = count(); }')
    world.guest("vm1", "burst", "200000")
    done = trace.interrupt()
    no_drops(done)
    found = counts(done)
    assert found[("getppid",)] == 200000, done
    for what in ("softirq_{}", "hrtimer_expire_{}", "local_timer_{}"):
        begun, ended = found[(what.format("entry"),)], found[(what.format("exit"),)]
        assert begun > 10 and abs(begun - ended) <= 4, f"{what}: {begun} and {ended}\n{done}"
    assert found[("sched_switch",)] > 0 and found[("sched_waking",)] > 0, done
    nothing_attached(world)


def test_a_tracepoint_that_is_not_there_is_named(world):
    done = world.dtrace("-E", "-n", "vm1:rawtp:sched::sched_swich { @ = count(); }")
    assert done.status == 1 and re.search(r"vm1:rawtp:sched::sched_swich.* does not match any probes", done.err), done


# -- fbt

def test_functions_are_those_that_can_be_traced(world):
    found = listed(world, "vm1:fbt:::")
    witness = world.guest("vm1", "cat", "/sys/kernel/tracing/available_filter_functions").splitlines()
    known = set()
    for line in witness:
        name, _, module = line.partition(" ")
        if not name.startswith("__ftrace_invalid"):
            known.add((module.strip("[]") or "vmlinux", name))
    entries = {tuple(row[-3:-1]) for row in found if row[-1] == "entry"}
    returns = {tuple(row[-3:-1]) for row in found if row[-1] == "return"}
    assert len(found) == len(entries) + len(returns) and entries == returns, "an entry and a return of each, once"
    assert entries <= known and len(known) > 20000, f"{len(known)} {sorted(entries - known)[:10]}"
    # Only what the probes' own programs run is left out.
    left_out = {name for _, name in known - entries if not name.startswith(("bpf_", "__bpf_"))}
    assert len(left_out) < 25, left_out
    assert ("vmlinux", "vfs_read") in entries and any(module != "vmlinux" for module, _ in entries)


def test_entry_and_return_say_what_the_process_did(world):
    trace = world.start_dtrace(
        "-n", 'vm1:fbt:vmlinux:do_sys_openat2:entry /execname == "files"/ { @["open", arg0] = count(); } '
        'vm1:fbt:vmlinux:do_sys_openat2:return /execname == "files"/ '
        '{ @["fd", arg1 >= 3 && arg1 < 10] = count(); self->fd = arg1; } '
        'vm1:syscall::openat:return /execname == "files"/ { @["same", self->fd == arg1] = count(); } '
        'vm1:fbt::vfs_write:entry /execname == "files"/ { self->bytes = arg2; } '
        'vm1:fbt::vfs_write:return /execname == "files" && self->bytes/ { @["write", arg1 == self->bytes] = count(); } '
        'vm1:fbt::vfs_unlink:return /execname == "files"/ { @["unlink", arg1] = count(); }')
    world.guest("vm1", "files", "100")
    done = trace.interrupt()
    no_drops(done)
    found = counts(done)
    assert found.pop(("write", "1")) >= 100, done  # and what it prints
    # An int of -100 is AT_FDCWD.
    assert found == {("open", "-100"): 100, ("fd", "1"): 100, ("same", "1"): 100, ("unlink", "0"): 100}, done
    nothing_attached(world)


def test_narrow_results_keep_their_sign(world):
    # int close_fd(unsigned int); void security_file_free(struct file *)
    trace = world.start_dtrace(
        "-n", 'vm1:fbt::close_fd:entry /execname == "sh"/ { self->fd = arg0; } '
        'vm1:fbt::close_fd:return /execname == "sh" && self->fd == 7/ { @["close", arg0, arg1] = count(); } '
        'vm1:fbt::security_file_free:return /execname == "sh"/ { @["void", arg0, arg1] = count(); }')
    world.guest("vm1", "sh", "-c", "exec 7</dev/null; exec 7<&-; exec 7<&-; true")
    done = trace.interrupt()
    no_drops(done)
    found = counts(done)
    assert found.pop(("void", "0", "0")) > 0, done
    assert found == {("close", "0", "0"): 1, ("close", "0", "-9"): 1}, done  # -EBADF


def test_functions_without_a_trampoline_are_probed_all_the_same(world):
    # unsigned long do_mmap(file, addr, len, prot, flags, pgoff, populate, uf): eight arguments, too many for a
    # trampoline of this kernel, and two of them on the stack.
    trace = world.start_dtrace(
        "-n", 'vm1:syscall::mmap:entry /execname == "bpftool"/ { self->addr = arg0; self->len = arg1; self->prot = arg2; '
        'self->flags = arg3; self->in = 1; } '
        'vm1:fbt:vmlinux:do_mmap:entry /self->in/ { @there["entry", arg1 == self->addr, arg2 == self->len, arg3 == self->prot, '
        '(arg4 | 0x1800) == (self->flags | 0x1800), arg6 < 0 && arg7 < 0 && arg6 != arg7] = count(); } '
        'vm1:fbt:vmlinux:do_mmap:return /self->in/ { self->result = arg1; } '
        'vm1:syscall::mmap:return /self->in/ { @back["return", self->result == arg0] = count(); self->in = 0; }')
    attached = world.attached("vm1")  # runs bpftool, which maps its libraries
    done = trace.interrupt()
    no_drops(done)
    assert "ht_fbt_kentry" in attached and "ht_fbt_kreturn" in attached, attached
    found = counts(done)
    assert found[("entry", "1", "1", "1", "1", "1")] == found[("return", "1")] > 0 and len(found) == 2, done
    nothing_attached(world)


def test_functions_of_modules(world):
    names = {row[-2] for row in listed(world, "vm1:fbt:virtio_console::entry")}
    assert "port_fops_write" in names, names
    trace = world.start_dtrace(
        "-n", 'vm1:fbt:virtio_console:port_fops_write:entry /execname == "labagent"/ { self->count = arg2; } '
        'vm1:fbt:virtio_console:port_fops_write:return /self->count/ { @[arg1 == self->count] = sum(arg1); }')
    text = world.guest("vm1", "sh", "-c", "seq 2000")
    done = trace.interrupt()
    no_drops(done)
    assert list(counts(done)) == [("1",)] and counts(done)[("1",)] >= len(text), done


# All of tcp_* (368 functions) take this kernel 7 to 8 s to arm and 75 s to detach under emulation: too long for a test.
def test_many_functions_arm_soon(world):
    began = time.monotonic()
    trace = world.start_dtrace("-n", 'vm1:fbt::tcp_v4_*:entry { @[probefunc] = count(); }')
    took = time.monotonic() - began
    matched = int(re.search(r"matched (\d+) probes", trace.stderr()).group(1))
    world.guest("vm1", "sh", "-c", "tcpecho -d 3 && tcpsend 3")
    done = trace.interrupt()
    no_drops(done)
    found = counts(done)
    print(f"        {matched} functions armed in {took:.1f} s", flush=True)
    assert matched > 25 and took < 15, f"{matched} in {took:.1f} s"
    assert found[("tcp_v4_connect",)] == found[("tcp_v4_syn_recv_sock",)] > 0, done
    nothing_attached(world)


def test_a_function_that_cannot_be_armed_is_named(world):
    done = world.dtrace("-E", "-n", "vm1:fbt::no_such_function_*:entry { @ = count(); }")
    assert done.status == 1 and "vm1:fbt::no_such_function_*:entry does not match any probes" in done.err, done
