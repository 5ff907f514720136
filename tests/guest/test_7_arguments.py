"""args[] in guests: of the types that each guest's own kernel says, judged by what the workload did."""
import re

from test_6_providers import counts, no_drops


def test_arguments_of_functions_have_the_kernels_types(world):
    # do_sys_openat2(int dfd, const char __user *filename, struct open_how *how)
    trace = world.start_dtrace(
        "-n", 'vm1:fbt:vmlinux:do_sys_openat2:entry /execname == "cat"/ '
        '{ self->name = copyinstr((uintptr_t)args[1]); self->flags = args[2]->flags & 3; } '
        'vm1:fbt:vmlinux:do_sys_openat2:return /self->name != NULL/ '
        '{ @[self->name, self->flags, args[1] >= 3 ? 1 : args[1]] = count(); self->name = NULL; }')
    world.guest("vm1", "sh", "-c", "for i in 1 2 3; do cat /proc/version; done; cat /no/such/file; true")
    done = trace.interrupt()
    no_drops(done)
    found = counts(done)
    assert found[("/proc/version", "0", "1")] == 3 and found[("/no/such/file", "0", "-2")] == 1, done


def test_members_of_structs_that_are_arguments(world):
    # vfs_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
    trace = world.start_dtrace(
        "-n", 'vm1:fbt:vmlinux:vfs_read:entry /execname == "dd"/ '
        '{ @[stringof(args[0]->f_path.dentry->d_name.name), args[2]] = count(); }')
    world.guest("vm1", "sh", "-c", "dd if=/dev/zero of=/dev/null bs=1234 count=7 2>&1; true")
    done = trace.interrupt()
    no_drops(done)
    assert counts(done)[("zero", "1234")] == 7, done


def test_arguments_of_tracepoints_have_the_kernels_types(world):
    # sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
    trace = world.start_dtrace(
        "-n", 'vm*:rawtp:sched::sched_process_exec /execname == "true"/ '
        '{ @[vmname, args[0]->pid == pid, args[1] == pid, stringof(args[0]->comm), stringof(args[2]->filename)] = count(); }')
    for vm in ("vm1", "vm2"):
        world.guest(vm, "forks", "20")
    done = trace.interrupt()
    no_drops(done)
    found = counts(done)
    assert {key[:4]: count for key, count in found.items()} == {(vm, "1", "1", "true"): 20 for vm in ("vm1", "vm2")}, done
    assert all(key[4].endswith("/true") for key in found), done


def test_an_argument_that_is_not_there_names_function_and_count(world):
    refused = world.dtrace("-E", "-n", "vm1:fbt:vmlinux:vfs_read:entry { trace(args[4]); }")
    assert refused.status == 1, refused
    assert re.search(r"line 1, column 40: index 4 is out of range for .*vfs_read.*: vfs_read has 4 arguments, on vm1 "
                     r"\(kernel ", refused.err), refused
    assert not world.attached("vm1")
