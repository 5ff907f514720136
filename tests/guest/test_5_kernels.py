"""One command, three kernels whose structures differ: each guest's values are right, judged by its own /proc."""
import re
import subprocess

from harness import BIN, until

# Beside vm1, which runs the stable release's cloud kernel: its generic kernel, and the next release's cloud kernel.
KERNELS = {"generic1": "amd64", "new1": "trixie/cloud-amd64"}
GUESTS = ("vm1", *KERNELS)

# What D calls it, what /proc/PID/stat calls it (proc(5), its fields counted from 1).
FIELDS = (
    ("curthread->tgid", 1),
    ("curthread->real_parent->tgid", 4),
    ("curthread->flags", 9),
    ("curthread->static_prio - 100", 18),
    ("curthread->signal->nr_threads", 20),
    ("curthread->start_boottime / 10000000", 22),
    ("curthread->mm->total_vm * 4096", 23),
    ("curthread->mm->start_stack", 28),
    ("curthread->mm->arg_start", 48),
)
# In task_struct of 6.1, and gone in 6.12.
OLD_MEMBER = "backing_dev_info"
# In task_struct of 6.12, and not yet in 6.1.
NEW_MEMBER = "mm_cid"


def with_three_kernels(world, test):
    try:
        for name, kernel in KERNELS.items():
            world.must_lab("up", "--count", "1", "--name-prefix", name[:-1], "--kernel", kernel, timeout=400)
        world.wait_ready(*GUESTS)
        test(world)
    finally:
        world.lab("down", *KERNELS)
        until(lambda: not any(name in world.vms() for name in KERNELS), "the guests with other kernels are gone", 30,
              lambda: str(world.vms()))


def test_three_kernels_at_once(world):
    parts = (values_are_those_of_proc, structs_have_each_kernels_size, types_of_modules_that_may_be_built_in,
             a_member_that_one_lacks, clauses_of_their_own)
    with_three_kernels(world, lambda world: [part(world) for part in parts])


def values_are_those_of_proc(world):
    wanted = ",\n\t    ".join(expression for expression, _ in FIELDS)
    script = f"""{", ".join(f"{vm}:syscall::*nanosleep:entry" for vm in GUESTS)}
        /execname == "sleeper" && !seen[vmname, pid]/
        {{
            seen[vmname, pid] = 1;
            printf("%s %s %s{" %d" * len(FIELDS)}\\n", vmname, curthread->comm,
                curthread->nsproxy->uts_ns->name.release, {wanted});
        }}
        END {{ printf("over\\n"); }}"""
    trace = world.start_dtrace("-n", script)
    witnesses = {}
    for vm in GUESTS:
        command = "sleeper 500 >/dev/null 2>&1 </dev/null & p=$!; sleep 1; cat /proc/$p/stat; uname -r; kill -9 $p; wait"
        witnesses[vm] = world.guest(vm, "sh", "-c", command).splitlines()[:2]
    done = trace.interrupt()
    assert done.status == 0 and "drop" not in done.err, done
    for vm, (stat, release) in witnesses.items():
        words = stat.split()
        expected = [vm, "sleeper", release, *(words[field - 1] for _, field in FIELDS)]
        printed = re.search(rf"\b{vm} sleeper .*", done.out)
        assert printed and printed.group(0).split() == expected, f"{vm} should have printed {expected}\n{done}"
    assert len({release for _, release in witnesses.values()}) == 3, witnesses


def a_member_that_one_lacks(world):
    description = ", ".join(f"{vm}:syscall::getppid:entry" for vm in GUESTS)
    program = f"{description} {{ @[vmname, curthread->{OLD_MEMBER} == NULL] = count(); }}"
    refused = world.dtrace("-E", "-n", program)
    kernel = world.guest("new1", "uname", "-r").strip()
    said = f'struct task_struct has no member "{OLD_MEMBER}", on new1 (kernel {kernel})'
    assert refused.status == 1 and f"line 1, column {program.index(OLD_MEMBER) + 1}: {said}" in refused.err, refused
    assert "vm1" not in refused.err.split("\n")[0] and not any(world.attached(vm) for vm in GUESTS), refused
    trace = world.start_dtrace("-x", "partial", "-n", program)
    assert said in trace.stderr() and "new1 is left out" in trace.stderr(), trace.stderr()
    for vm in GUESTS:
        world.guest(vm, "burst", "1000")
    done = trace.interrupt()
    counts = {line.split()[0]: int(line.split()[-1]) for line in done.out.splitlines() if line.strip()}
    assert done.status == 0 and counts == {"vm1": 1000, "generic1": 1000}, done


# A struct by value, whose size differs, in a variable that all share: each guest's own bytes are in it.
def structs_have_each_kernels_size(world):
    description = ", ".join(f"{vm}:syscall::getppid:entry" for vm in GUESTS)
    trace = world.start_dtrace("-n", f"""{description} {{
        this->here = *curthread->signal;
        kept = *curthread->signal;
        @[vmname, (uint64_t)sizeof(struct signal_struct), this->here.nr_threads, kept.group_exit_code] = count();
    }}""")
    for vm in GUESTS:
        world.guest(vm, "burst", "1000")
    done = trace.interrupt()
    rows = [line.split() for line in done.out.splitlines() if line.strip()]
    assert done.status == 0 and "error" not in done.err and "drop" not in done.err, done
    assert {row[0]: row[2:] for row in rows} == {vm: ["1", "0", "1000"] for vm in GUESTS}, done
    assert len({row[1] for row in rows}) > 1, f"the kernels were to differ in the size\n{done}"


# A struct of virtio_console's: two of the kernels have it as a module, the third in itself.
def types_of_modules_that_may_be_built_in(world):
    device = "struct ports_device"
    description = ", ".join(f"{vm}:syscall::getppid:entry" for vm in GUESTS)
    trace = world.start_dtrace(
        "-n", f"{description} {{ @[vmname, sizeof ({device}), offsetof({device}, chr_major)] = count(); }}")
    for vm in GUESTS:
        world.guest(vm, "burst", "1000")
    done = trace.interrupt()
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.strip()}
    modules = {vm: "virtio_console" if vm != "new1" else "vmlinux" for vm in GUESTS}
    for vm, module in modules.items():
        size, members = world.struct_of(vm, module, "ports_device")
        assert rows.get(vm) == [str(size), str(members["chr_major"] // 8), "1000"], (vm, size, members, done)
    # Two kernels, two types of that module.
    run = subprocess.run([f"{BIN}/dtracedctl", "types"], capture_output=True, text=True, env=world.env, check=True)
    rows = [line.split() for line in run.stdout.splitlines() if " virtio_console " in line]
    assert sorted(row[3] for row in rows) in (["generic1", "vm1"], ["generic1", "vm1,vm2"]), run.stdout


# A clause may use what only the kernel of its own guests has.
def clauses_of_their_own(world):
    trace = world.start_dtrace("-n", f"""
        vm1:syscall::getppid:entry, generic1:syscall::getppid:entry {{
            @[vmname, curthread->{OLD_MEMBER} == NULL] = count();
        }}
        new1:syscall::getppid:entry {{ @[vmname, curthread->{NEW_MEMBER} >= 0] = count(); }}""")
    assert "left out" not in trace.stderr(), trace.stderr()
    for vm in GUESTS:
        world.guest(vm, "burst", "1000")
    done = trace.interrupt()
    counts = {line.split()[0]: int(line.split()[-1]) for line in done.out.splitlines() if line.strip()}
    assert done.status == 0 and counts == dict.fromkeys(GUESTS, 1000), done
