"""Kernel modules with everything they depend on, in loading order.

A Debian kernel package has no modules.dep (depmod makes it at installation), so dependencies are read from
the modules themselves: their .modinfo section holds "depends=a,b".
"""
import lzma
import os
import re

from say import LabError


def closure(directory, wanted):
    """[(file name, bytes)] for the wanted modules; those built into the kernel are left out."""
    files = {}
    for place, _, names in os.walk(os.path.join(directory, "kernel")):
        for name in names:
            files[_module(name)] = os.path.join(place, name)
    with open(os.path.join(directory, "modules.builtin"), encoding="ascii") as lines:
        builtin = {_module(os.path.basename(line.strip())) for line in lines}

    ordered = {}

    def add(module):
        if module in ordered or module in builtin:
            return
        if module not in files:
            raise LabError(f"{os.path.basename(directory)} has no module {module}")
        data = _read(files[module])
        for needed in _depends(data):
            add(needed)
        ordered[module] = data

    for module in wanted:
        add(module)
    return [(module + ".ko", data) for module, data in ordered.items()]


def _module(file_name):
    return file_name.split(".")[0].replace("-", "_")


def _read(path):
    with open(path, "rb") as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def _depends(data):
    found = re.search(rb"\0depends=([^\0]*)\0", data)
    return [_module(name) for name in found.group(1).decode().split(",") if name] if found else []
