"""A small value that outlives a power cut in the middle of its own writing.

It is in two files that are written in turn, each with a number that grows and a CRC-32: whatever
happens to the one, the other has the value of before.
"""

import binascii
import struct

_HEAD = "<IH"  # number, length; then the value and the CRC-32 of all before
_HEAD_SIZE = struct.calcsize(_HEAD)
MOST = 512
"""Bytes of a value."""


class Twofold:
    """The files are `path`.a and `path`.b."""

    def __init__(self, path):
        self._paths = (path + ".a", path + ".b")

    def load(self):
        """The value saved last; None where there never was one."""
        return self._newest()[2]

    def save(self, value):
        """Raises OSError where flash does not have it afterwards."""
        if len(value) > MOST:
            raise ValueError("%d bytes are more than %d" % (len(value), MOST))
        number, place, _ = self._newest()
        path = self._paths[1 - place]
        data = struct.pack(_HEAD, number + 1, len(value)) + value
        with open(path, "wb") as file:
            file.write(data + struct.pack("<I", binascii.crc32(data)))
        if _read(path) != (number + 1, value):
            raise OSError("%s does not have what was written" % path)

    def _newest(self):
        """(number, which file, value)."""
        found = (0, 1, None)
        for place, path in enumerate(self._paths):
            number, value = _read(path)
            if number > found[0]:
                found = (number, place, value)
        return found


def _read(path):
    """(number, value) of a file; (0, None) where it is not whole."""
    try:
        with open(path, "rb") as file:
            data = file.read(_HEAD_SIZE + MOST + 4)
    except OSError:
        return 0, None
    if len(data) < _HEAD_SIZE + 4:
        return 0, None
    number, length = struct.unpack_from(_HEAD, data)
    end = _HEAD_SIZE + length
    if len(data) != end + 4:
        return 0, None
    if struct.unpack_from("<I", data, end)[0] != binascii.crc32(memoryview(data)[:end]):
        return 0, None
    return number, data[_HEAD_SIZE:end]
