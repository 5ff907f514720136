"""Kernel variables and modules' types of real guests, wherever their kernels were loaded: judged by each guest's own
/proc and /sys, and by bpftool there."""
import glob
import lzma
import os
import re
import subprocess

from harness import BIN

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
        printf("%s: %d %d %d\\n", vmname, this->cred.uid.val, this->cred.gid.val, this->cred.euid.val);
    }}""", ("vm1",))
    assert values["vm1"] and all(row == ["0", "0", "0"] for row in values["vm1"]), values


def listed_types(world):
    run = subprocess.run([f"{BIN}/dtracedctl", "types"], capture_output=True, text=True, env=world.env, timeout=30,
                         check=True)
    return [line.split() for line in run.stdout.splitlines()[1:]]


def test_types_and_variables_of_a_module(world):
    values = trace_once(world, f"""vm*:{PROBE} /!seen[vmname]/ {{
        seen[vmname] = 1;
        this->device = (struct virtio_console`ports_device *)
            ((struct ports_driver_data *)&virtio_console`pdrvdata)->portdevs.next;
        this->port = (struct virtio_console`port *)this->device->ports.next;
        printf("%s: %d %d %d %d %s\\n", vmname, sizeof (struct virtio_console`port),
            offsetof(struct virtio_console`port, name), defined(struct port_buffer, sgpages), this->device->chr_major,
            stringof(this->port->name));
    }}""")
    for vm, ((size, offset, defined, major, name),) in values.items():
        port = world.struct_of(vm, "virtio_console", "port")
        assert int(size) == port[0] and int(offset) * 8 == port[1]["name"], (values, port)
        buffer = world.struct_of(vm, "virtio_console", "port_buffer")
        assert int(defined) == ("sgpages" in buffer[1]), (values, buffer)
        known = re.search(r"^ *(\d+) virtio-portsdev", world.guest(vm, "cat", "/proc/devices"), re.M).group(1)
        names = world.guest(vm, "sh", "-c", "cat /sys/class/virtio-ports/*/name").split()
        assert major == known and name in names, (values, known, names)
    rows = [row for row in listed_types(world) if row[2] == "virtio_console"]
    assert len(rows) == 1 and rows[0][3] == "vm1,vm2", rows  # one kernel, one module: uploaded once


def push_module(world, vm, path):
    """One of the modules of that guest's kernel, which the lab has unpacked, as a file in /root."""
    cache = os.environ.get("LAB_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "hypertrace-lab")
    release = world.guest(vm, "uname", "-r").strip()
    found = glob.glob(f"{cache}/kernels/*/**/modules/{release}/kernel/{path}.ko*", recursive=True)
    assert len(found) == 1, (release, path, found)
    with open(found[0], "rb") as file:
        data = file.read()
    name = os.path.basename(path) + ".ko"
    with open(os.path.join(world.directory, name), "wb") as file:
        file.write(lzma.decompress(data) if found[0].endswith(".xz") else data)
    world.must_lab("push", vm, file.name, "/root/" + name)
    return "/root/" + name


def test_a_module_that_is_loaded_while_the_guest_runs(world):
    program = f"""vm1:{PROBE} /!done/ {{
        done = 1;
        printf("%s: %d %d\\n", vmname, sizeof (struct fuse_conn), offsetof(struct fuse_conn, max_read));
    }}"""
    refused = world.dtrace("-E", "-n", program)
    assert refused.status == 1 and 'unknown type "struct fuse_conn", on vm1 (kernel ' in refused.err, refused
    world.guest("vm1", "insmod", push_module(world, "vm1", "fs/fuse/fuse"))
    try:
        ((size, offset),) = trace_once(world, program, ("vm1",))["vm1"]
        known = world.struct_of("vm1", "fuse", "fuse_conn")
        assert int(size) == known[0] and int(offset) * 8 == known[1]["max_read"], (size, offset, known)
        assert [row[3] for row in listed_types(world) if row[2] == "fuse"] == ["vm1"], listed_types(world)
    finally:
        world.guest("vm1", "rmmod", "fuse")
    assert world.dtrace("-E", "-n", program).status == 1


# KASLR has put the kernel of each guest elsewhere; what reads the same is one key.
def test_addresses_have_the_names_of_each_guests_kernel(world):
    trace = world.start_dtrace("-n", f"""vm*:{PROBE} {{
        @one[sym((uintptr_t)&`init_task)] = count();
        @each[vmname, func((uintptr_t)&`init_task + 8), mod((uintptr_t)&`jiffies)] = count();
    }}
    vm*:{PROBE} /!seen[vmname]/ {{ seen[vmname] = 1; printf("\\n%s %a\\n", vmname, (uintptr_t)&`init_task + 8); }}
    END {{ printa("\\none %a %@d\\n", @one); printa("each %s %a %a %@d\\n", @each); }}""")
    for vm in ("vm1", "vm2"):
        world.guest(vm, "burst", "1000")
    done = trace.interrupt()
    assert done.status == 0 and "error" not in done.err and "drop" not in done.err, done
    for line in ("one vmlinux`init_task 2000", "vm1 vmlinux`init_task+0x8", "vm2 vmlinux`init_task+0x8",
                 "each vm1 vmlinux`init_task vmlinux 1000", "each vm2 vmlinux`init_task vmlinux 1000"):
        assert line in [" ".join(said.split()) for said in done.out.splitlines()], f"{line}\n{done}"
