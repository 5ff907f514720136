"""Small type files for the cases: text to BTF (the kernel's Documentation/bpf/btf.rst).

  struct NAME SIZE { TYPE MEMBER @BIT; TYPE MEMBER[N] @BIT; TYPE MEMBER @BIT :BITS; TYPE @BIT; ... }    also: union
  enum NAME { A=1 B=-3 }
  typedef TYPE NAME
  func TYPE NAME(TYPE, TYPE, ...)     a function
  tracepoint NAME(TYPE, TYPE, ...)    what the kernel has of one: a pointer to its prototype, called btf_trace_NAME

One to a line, whatever is named before it is used; TYPE is one of the integers below, a typedef, or struct, union or
enum and a name, and stars. A member without a name is anonymous, and so is a struct called "-1", "-2", ... A pointer
may point to a struct that comes later.
"""
import re
import struct

INTEGERS = {"int": (4, 1), "unsigned int": (4, 0), "long": (8, 1), "unsigned long": (8, 0), "char": (1, 1),
            "unsigned char": (1, 0), "short": (2, 1), "unsigned short": (2, 0)}
INT, PTR, ARRAY, STRUCT, UNION, ENUM, TYPEDEF, FUNC, FUNC_PROTO = 1, 2, 3, 4, 5, 6, 8, 12, 13


class Builder:
    def __init__(self, lines):
        self.strings = b"\0"
        self.types = []  # encoded, the id is the place + 1
        self.ids = {}
        # Numbers for all names first: pointers may go forward.
        names = [self.name_of(line) for line in lines]
        for number, name in enumerate(list(INTEGERS) + names):
            self.ids[name] = number + 1
        self.extra = []  # pointers and arrays, behind all others
        self.first_extra = len(INTEGERS) + len(names) + 1
        for name, (size, signed) in INTEGERS.items():
            self.add(name, INT, 0, size, struct.pack("<I", signed << 24 | size * 8))
        for line in lines:
            self.line(line)

    @staticmethod
    def name_of(line):
        words = line.split()
        if words[0] in ("func", "tracepoint"):
            return words[0] + " " + re.search(r"(\w+)\(", line).group(1)
        return words[-1] if words[0] == "typedef" else " ".join(words[:2])

    def string(self, text):
        if not text or text.startswith("-"):
            return 0
        self.strings += text.encode() + b"\0"
        return len(self.strings) - len(text) - 1

    def add(self, name, kind, vlen, size_or_type, rest=b"", flag=0, extra=False):
        record = struct.pack("<III", self.string(name), flag << 31 | kind << 24 | vlen, size_or_type) + rest
        (self.extra if extra else self.types).append(record)
        return self.first_extra + len(self.extra) - 1 if extra else len(self.types)

    def type(self, text, counts=()):
        base = text.rstrip("* ").strip()
        number = 0 if base == "void" else self.ids[base]
        for _ in range(text.count("*")):
            number = self.add("", PTR, 0, number, extra=True)
        for count in reversed(counts):
            number = self.add("", ARRAY, 0, 0, struct.pack("<III", number, self.ids["int"], int(count)), extra=True)
        return number

    def prototype(self, result, parameters):
        rest = b"".join(struct.pack("<II", 0, self.type(parameter)) for parameter in parameters)
        result = self.type(result)
        return self.add("", FUNC_PROTO, len(parameters), result, rest, extra=True)

    def function(self, line):
        kind, result, name, parameters = re.fullmatch(r"(func|tracepoint) (.*?)\s*(\w+)\((.*)\)\s*", line).groups()
        parameters = [parameter.strip() for parameter in parameters.split(",") if parameter.strip()]
        if kind == "func":
            self.add(name, FUNC, 0, self.prototype(result, parameters))
        else:
            prototype = self.prototype("void", ["void *"] + parameters)
            self.add("btf_trace_" + name, TYPEDEF, 0, self.add("", PTR, 0, prototype, extra=True))

    def line(self, line):
        if line.startswith(("func ", "tracepoint ")):
            self.function(line)
            return
        head, _, body = line.partition("{")
        words = head.split()
        if words[0] == "typedef":
            self.add(words[-1], TYPEDEF, 0, self.type(" ".join(words[1:-1])))
        elif words[0] == "enum":
            values = [value.split("=") for value in body.rstrip("} \n").split()]
            rest = b"".join(struct.pack("<Ii", self.string(name), int(value)) for name, value in values)
            self.add(words[1], ENUM, len(values), 4, rest, flag=1)
        else:
            members = [member.strip() for member in body.rstrip("} \n").split(";") if member.strip()]
            found = [re.fullmatch(r"(.*?)\s*(\w*)((?:\[\d+\])*) @(\d+)(?: :(\d+))?", member) for member in members]
            fields = []
            for text, match in zip(members, found):
                kind, name, counts, at, bits = match.groups()
                if not kind or kind in ("struct", "union", "enum"):  # an anonymous one
                    kind, name = text.split(" @")[0], ""
                fields.append((name, self.type(kind, re.findall(r"\d+", counts)), int(at), int(bits or 0)))
            flag = any(bits for *_, bits in fields)
            rest = b"".join(struct.pack("<III", self.string(name), number, bits << 24 | at)
                            for name, number, at, bits in fields)
            self.add(words[1], STRUCT if words[0] == "struct" else UNION, len(fields), int(words[2]), rest, flag)

    def build(self):
        types = b"".join(self.types + self.extra)
        return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(self.strings)) + types + self.strings


def build(text):
    return Builder([line for line in text.splitlines() if line.strip()]).build()
