"""The language is the same in a guest's probe: what it prints, aggregates and faults on reads as it does on the host."""
import json
import re

PROBE = 'vm1:syscall::getppid:entry /execname == "burst"/'

DECLARATIONS = """
struct point { int x; short y; char name[8]; };
enum color { RED, GREEN = 5, BLUE };
typedef unsigned char byte_t;
inline int twice[int n] = n * 2;
struct point at;
string texts[int];
"""
# Each is the body of a clause.
BODIES = r"""
printf("%d %i %u %x %X %o %c %s|%5d|%-5d|%05d|%+d\n", -1, 1, 2, 255, 255, 8, 'a', "text", 7, 7, 7, 7);
printf("%s %S %p %%\n", "a\tb", "a\tb", (void *)0x10);
trace(1); trace((char)-1); trace((unsigned short)65535); trace(0x7fffffffffffffff); trace("s"); printf("\n");
printf("%d %d %d %d\n", 7 / -2, 7 % -2, -7 >> 1, (unsigned)-7 >> 1);
printf("%d %d\n", (byte_t)511, sizeof (struct point)); printf("%d %d\n", BLUE, twice[21]);
at.x = 3; at.y = -4; printf("%d %d\n", at.x, at.y);
texts[1] = "one"; texts[2] = "two"; printf("%s %s [%s]\n", texts[1], texts[2], texts[3]);
self->n = 5; self->n++; this->m = self->n * 2; printf("%d %d\n", self->n, this->m);
if (self->n == 6) { printf("six\n"); } else { printf("not six\n"); }
printf("%s\n", self->n > 5 ? "more" : "less");
printf("%s %s %s\n", strjoin("a", "b"), substr("abcdef", 2, 3), strchr("a/b/c", '/'));
printf("%s %s %s\n", basename("/a/b"), dirname("/a/b"), cleanpath("/a/./b/../c"));
printf("%d %d %d %s\n", strlen("four"), index("abcabc", "c"), rindex("abcabc", "c"), strtok("a b", " "));
printf("%s %d %s\n", lltostr(-12), strtoll("77"), toupper("up"));
printf("%x %x\n", htons(0x1234), htonl(0x12345678));
this->p = (char *)alloca(8); this->p[0] = 'h'; this->p[1] = 0; printf("%s\n", stringof(this->p));
@counts["a", 1] = count(); @counts["b", 2] = count(); @counts["a", 1] = count();
@sums = sum(-5); @least = min(3); @most = max(9); @mean = avg(4); @mean = avg(7); @spread = stddev(1); @spread = stddev(9);
@power = quantize(1); @power = quantize(100, 3); @linear = lquantize(5, 0, 10, 2); @loglinear = llquantize(42, 10, 0, 2, 10);
printa("%s %d %@d\n", @counts); printa(@sums, @least); normalize(@most, 3); trunc(@counts, 1);
this->s = speculation(); speculate(this->s); printf("speculated\n");
commit(this->s);
tracemem(alloca(8), 8); printf("%s\n", probename == "nothing" ? "?" : "named");
""".strip().splitlines()


def program(description, last):
    clauses = [f"{description} {{ {body} }}" for body in BODIES]
    return DECLARATIONS + "\n".join(clauses + [f"{description} {{ {last} }}"])


def test_a_guests_probe_prints_what_the_host_would(world):
    here = world.dtrace("-q", "-n", program("BEGIN", "exit(7);"))
    assert here.status == 7 and not here.err and "speculated" in here.out, here
    trace = world.start_dtrace("-n", "BEGIN { setopt(\"quiet\"); } " + program(PROBE, "exit(7);"))
    world.guest("vm1", "burst", "1")
    there = trace.wait(60)
    assert there.status == 7, there
    # The line of BEGIN, which was consumed before quiet took effect, is in front.
    printed = there.out[there.out.index("-1 1 2"):]
    assert printed == here.out, f"expected\n{here.out}\nand not\n{there}"


def test_default_columns_and_records_without_actions(world):
    trace = world.start_dtrace("-n", f"{PROBE} {{ }} {PROBE} {{ trace(5); exit(0); }}")
    world.guest("vm1", "burst", "1")
    done = trace.wait(60)
    assert done.status == 0, done
    lines = done.out.splitlines()
    assert lines[0] == "%3s %6s %32s" % ("CPU", "ID", "FUNCTION:NAME"), done
    assert re.fullmatch(r" {2}\d +\d+ {20}getppid:entry ", lines[1]), done
    assert re.fullmatch(r" {2}\d +\d+ {20}getppid:entry  {10}5", lines[2]), done


def test_faults_name_the_guest(world):
    trace = world.start_dtrace(
        "-n", f"{PROBE} {{ zero = 0; trace(1 / zero); }} {PROBE} {{ trace(*(int *)0x10); }} "
        f"{PROBE} {{ trace(((struct task_struct *)1)->pid); }} {PROBE} {{ printf(\"after\\n\"); exit(0); }} "
        'ERROR { printf("%d %x\\n", arg4, arg5); }')
    world.guest("vm1", "burst", "1")
    done = trace.wait(60)
    assert done.status == 0 and "after" in done.out, done
    where = r"for probe ID \d+ \(syscall:vmlinux:getppid:entry\)"
    faults = [line for line in done.err.splitlines() if "error in" in line]
    assert len(faults) == 3, done
    assert re.fullmatch(rf"dtrace: error in dt_clause_0 {where}: divide-by-zero at DIF offset \d+ on vm1", faults[0]), done
    assert re.fullmatch(rf"dtrace: error in dt_clause_1 {where}: invalid address \(0x10\) at DIF offset \d+ on vm1",
                        faults[1]), done
    assert re.fullmatch(rf"dtrace: error in dt_clause_2 {where}: invalid address \(0x[0-9a-f]+\) at DIF offset \d+ on vm1",
                        faults[2]), done
    assert re.search(r"ERROR +4 0\n", done.out) and re.search(r"ERROR +1 10\n", done.out), done


def test_drops_name_the_guest(world):
    trace = world.start_dtrace("-x", "bufsize=4k", "-x", "switchrate=2s", "-n", f"{PROBE} {{ trace(execname); }}")
    world.guest("vm1", "burst", "3000")
    done = trace.interrupt()
    assert done.status == 0, done
    printed = done.out.count("getppid:entry")
    lost = sum(int(n) for n in re.findall(r"dtrace: (\d+) drops? on CPU \d+ of vm1", done.err))
    assert lost > 0 and printed + lost == 3000, f"{printed} printed, {lost} lost\n{done.err}"


def test_json_names_the_guest(world):
    trace = world.start_dtrace("-x", "format=json", "-n", f"{PROBE} {{ zero = 0; @[vmname] = count(); trace(7); }} "
                               f"{PROBE} {{ trace(1 / zero); }} {PROBE} {{ exit(0); }}")
    world.guest("vm1", "burst", "1")
    done = trace.wait(60)
    assert done.status == 0, done
    objects = [json.loads(line) for line in done.out.splitlines()]
    record = next(o for o in objects if o["type"] == "record")
    assert record["vm"] == "vm1" and record["probe"]["function"] == "getppid", done
    assert record["output"] == [{"action": "trace", "ctype": "int", "value": 7}], done
    error = next(o for o in objects if o["type"] == "error")
    assert error["vm"] == "vm1" and error["fault"] == "divide-by-zero" and error["clause"] == 1, done
    bins = [o for o in objects if o["type"] == "aggregation"]
    assert bins == [{"type": "aggregation", "name": "_", "function": "count", "keys": ["vm1"], "value": 1}], done


def test_a_compile_error_is_the_same_with_guests(world):
    done = world.dtrace("-E", "-x", "errtags", "-n", f"{PROBE} {{ trace(execnam); }}")
    assert done.status == 1 and "[D_IDENT_UNDEF]" in done.err and 'did you mean "execname"?' in done.err, done
