"""Kernel variables of real guests, wherever their kernels were loaded: judged by each guest's own /proc."""
import re

PROBE = "syscall::getppid:entry"


def trace_once(world, program, vms=("vm1", "vm2")):
    """What the program printed, by guest; it prints lines that begin with vmname."""
    trace = world.start_dtrace("-n", program)
    for vm in vms:
        world.guest(vm, "burst", "100")
    done = trace.interrupt()
    assert done.status == 0 and "error" not in done.err, done
    values = {}
    for line in done.out.splitlines():
        found = re.search(r"(vm\d+): (.*)", line)
        if found:
            values.setdefault(found.group(1), []).append(found.group(2).split())
    assert set(values) == set(vms), done
    return values


def test_kernel_variables_are_those_of_proc(world):
    before = {vm: jiffies(world, vm) for vm in ("vm1", "vm2")}
    values = trace_once(world, f"""vm*:{PROBE} /!seen[vmname]/ {{
        seen[vmname] = 1;
        printf("%s: %d %d %d %s %s %x %x\\n", vmname, `jiffies, vmlinux`nr_threads, `init_task.pid, `init_task.comm,
            `init_uts_ns.name.release, (uint64_t)&`jiffies, (uint64_t)&vmlinux`init_task);
    }}""")
    for vm, ((tick, threads, pid, comm, release, *addresses),) in values.items():
        assert before[vm] <= int(tick) <= jiffies(world, vm), (vm, tick, before)
        assert 0 < int(threads) < 1000 and pid == "0" and comm == "swapper/0", (vm, values)
        assert release == world.guest(vm, "uname", "-r").strip(), (vm, values)
        symbols = world.guest(vm, "grep", "-wE", "jiffies|init_task", "/proc/kallsyms").splitlines()
        known = {line.split()[2]: line.split()[0] for line in symbols if len(line.split()) == 3}
        assert [int(address, 16) for address in addresses] == [int(known[name], 16) for name in ("jiffies", "init_task")]


def jiffies(world, vm):
    return int(re.search(r"^jiffies: (\d+)", world.guest(vm, "cat", "/proc/timer_list"), re.M).group(1))


def test_per_cpu_variables_are_those_of_the_cpu_that_fires(world):
    values = trace_once(world, f"""vm1:{PROBE} {{
        printf("%s: %d %d\\n", vmname, cpu, `cpu_number);
    }}""", ("vm1",))
    assert len(values["vm1"]) >= 100 and all(cpu == number for cpu, number in values["vm1"]), values


def test_a_symbol_that_no_guest_has(world):
    program = f"vm1:{PROBE} {{ trace(`no_such_variable); }}"
    refused = world.dtrace("-E", "-n", program)
    said = "failed to resolve `no_such_variable: Unknown symbol name, on vm1 (kernel "
    assert refused.status == 1 and said in refused.err, refused
    assert f"line 1, column {program.index('`') + 1}" in refused.err and not world.attached("vm1"), refused


def test_print_shows_the_guests_own_structs(world):
    trace = world.start_dtrace("-n", f"vm1:{PROBE} /!seen++/ {{ print(curthread->nsproxy->uts_ns->name); }}")
    world.guest("vm1", "burst", "100")
    done = trace.interrupt()
    assert done.status == 0 and done.err.count("error") == 0, done
    uname = {field: world.guest("vm1", "uname", f"-{flag}").strip()
             for field, flag in (("sysname", "s"), ("nodename", "n"), ("release", "r"), ("machine", "m"))}
    for field, value in uname.items():
        assert re.search(rf'{field} = \[ "{re.escape(value)}" \]', done.out), (field, value, done)


def test_a_struct_by_value_is_the_tasks_own(world):
    values = trace_once(world, f"""vm1:{PROBE} {{
        this->cred = *curthread->cred;
        printf("%s: %d %d %d\n", vmname, this->cred.uid.val, this->cred.gid.val, this->cred.euid.val);
    }}""", ("vm1",))
    assert values["vm1"] and all(row == ["0", "0", "0"] for row in values["vm1"]), values
