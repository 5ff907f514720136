"""What each verb of the command line does. Each returns lab's exit status."""
import concurrent.futures
import os
import stat
import time

import agent
import dirs
import initramfs
import kernel as kernels
import overlord
import vm as vms
from say import LabError, note, progress

LAB_FAILED = 255  # as ssh: the lab failed, not the command
BOOT_SECONDS = float(os.environ.get("LAB_BOOT_TIMEOUT", "120"))


def _prepare(spec):
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"), ("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if not dirs.tool(program):
            raise LabError(f"{program} is missing: install {package}")
    kernel = kernels.get(spec)
    if not initramfs.has_minion():
        note("there is no dtraced yet (set LAB_DTRACED, or build it): the guests run without a minion")
    return kernel, initramfs.build(kernel)


def build_(options):
    kernel, archive = _prepare(options.kernel)
    print(f"kernel    {kernel.release}  {kernel.vmlinuz}\ninitramfs {archive}")
    return 0


def _run_directory():
    try:
        os.makedirs(dirs.run(), mode=0o755, exist_ok=True)
        if os.access(dirs.run(), os.W_OK):
            return
    except OSError:
        pass
    raise LabError(f"cannot write to {dirs.run()}: set LAB_DIR to a directory of your own, "
                   f"or once: sudo install -d -o \"$USER\" {dirs.run()}")


def up_(options):
    guests = [vms.Vm(f"{options.name_prefix}{n}") for n in range(1, options.count + 1)]
    _run_directory()
    with dirs.locked(dirs.run("lock")):
        taken = [vm.name for vm in guests if vm.pid() is not None]
        if taken:
            raise LabError(f"{', '.join(taken)} running already: `lab down` first, or use another --name-prefix")
        kernel, archive = _prepare(options.kernel)
        started = []
        try:
            clock = time.monotonic()
            for vm in guests:
                started.append(vm)
                vm.start(kernel, archive, options.smp, options.mem)
            progress(f"booting {', '.join(vm.name for vm in guests)}")
            pool = concurrent.futures.ThreadPoolExecutor(len(guests))
            try:
                waits = [pool.submit(_await_boot, vm, clock) for vm in guests]
                for vm, wait in zip(guests, waits):
                    print(f"{vm.name}  {kernel.release}  pid {vm.pid()}  {wait.result():.1f} s", flush=True)
            except BaseException:
                for vm in started:  # ends the threads' waiting too
                    vm.signal(9, 10)
                raise
            finally:
                pool.shutdown()
        except BaseException:
            for vm in started:
                vm.stop()
            raise
    overlord.rescan()
    return 0


def _await_boot(vm, clock):
    """Seconds from `clock` until the guest's agent answered."""
    try:
        # The sockets are there once QEMU is past its start.
        while not os.path.exists(vm.path("qmp.sock")) or not os.path.exists(vm.path(f"lab.{vms.PORTS - 1}.sock")):
            if vm.pid() is None or time.monotonic() > clock + BOOT_SECONDS:
                raise LabError(f"{vm.name}: QEMU did not start")
            time.sleep(0.01)
        with agent.session(vm, (BOOT_SECONDS / 2, BOOT_SECONDS / 2)):
            return time.monotonic() - clock
    except LabError as error:
        raise LabError(f"{error}\n--- {vm.path('qemu.log')}\n{_tail(vm.path('qemu.log'))}"
                       f"--- console\n{vm.console_tail()}") from error


def _tail(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[1:][-10:])
    except OSError:
        return ""


def _writer(fd):
    def write(data):
        while data:
            data = data[os.write(fd, data):]
    return write


def exec_(options):
    vm = vms.running(options.vm)
    stdin = 0 if options.stdin else None
    with agent.session(vm) as link:
        return link.run([options.command, *options.args], stdin, _writer(1), _writer(2))


def push_(options):
    vm = vms.running(options.vm)
    path = options.path or "/root/" + os.path.basename(options.file)
    try:
        file = open(options.file, "rb")
    except OSError as error:
        raise LabError(f"{options.file}: {error.strerror}") from error
    with file, agent.session(vm) as link:
        mode = f"{stat.S_IMODE(os.fstat(file.fileno()).st_mode):o}"
        # To a new file, then renamed: a program that is running can be replaced.
        script = ('[ ! -d "$1" ] || { echo "$1 is a directory"; exit 1; }; mkdir -p "$(dirname "$1")" && '
                  'cat >"$1.lab-push" && chmod "$2" "$1.lab-push" && mv -f "$1.lab-push" "$1"')
        heard = []
        status = link.run(["sh", "-c", script, "sh", path, mode], file.fileno(), heard.append, heard.append)
    if status:
        raise LabError(f"{vm.name}: cannot write {path}: {b''.join(heard).decode(errors='replace').strip()}")
    return 0


def reboot_(options):
    vm = vms.running(options.vm)
    clock = time.monotonic()
    with agent.session(vm) as link:
        vm.reset()
        if not link.await_restart(link.boot_id, BOOT_SECONDS):
            raise LabError(f"{vm.name} did not come back\n--- console\n{vm.console_tail()}")
    print(f"{vm.name}  {vm.facts().get('kernel')}  pid {vm.pid()}  {time.monotonic() - clock:.1f} s")
    return 0


def kill_(options):
    vms.running(options.vm).kill()
    return 0


def list_(_options):
    rows = [("NAME", "STATE", "PID", "KERNEL", "SMP", "MEM", "DIRECTORY")]
    for vm in vms.every():
        pid, facts = vm.pid(), vm.facts()
        rows.append((vm.name, "running" if pid else "dead", str(pid or "-"), facts.get("kernel", "?"),
                     str(facts.get("smp", "?")), str(facts.get("mem", "?")), vm.home))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return 0


def down_(options):
    if not os.path.isdir(dirs.run()):
        return 0
    with dirs.locked(dirs.run("lock")):
        guests = [vms.Vm(name) for name in options.vms] or vms.every()
        for vm in guests:
            if not vm.exists():
                raise LabError(f"there is no guest {vm.name}")
        for vm in guests:
            vm.stop()
        if not vms.every():
            os.unlink(dirs.run("lock"))
    try:
        os.rmdir(dirs.run())  # only if nothing else is in it
    except OSError:
        pass
    return 0
