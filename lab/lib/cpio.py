"""Writes an initramfs archive ("newc" cpio, see the kernel's buffer-format.rst) without being root.

Entries are owned by root and carry no times, so the same input gives the same bytes.
"""
import stat


class Archive:
    def __init__(self):
        self._chunks = []
        self._inode = 0
        self._directories = set()

    def _entry(self, path, mode, data=b"", device=(0, 0)):
        self._inode += 1
        name = path.lstrip("/").encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self._chunks += [head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)]

    def directory(self, path):
        path = path.strip("/")
        if not path or path in self._directories:
            return
        self.directory(path.rpartition("/")[0])
        self._directories.add(path)
        self._entry(path, stat.S_IFDIR | 0o755)

    def file(self, path, data, mode=0o755):
        self.directory(path.rpartition("/")[0])
        self._entry(path, stat.S_IFREG | mode, data)

    def device(self, path, major, minor):
        self.directory(path.rpartition("/")[0])
        self._entry(path, stat.S_IFCHR | 0o600, device=(major, minor))

    def contents(self):
        self._inode = -1  # the trailer has number 0
        self._entry("TRAILER!!!", 0)
        return b"".join(self._chunks)
