"""The guest's providers beyond syscall: what they list, and what their probes say, judged by the workload and by what
the guest itself knows."""
import re

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
