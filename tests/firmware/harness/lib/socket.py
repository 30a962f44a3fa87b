"""`socket` as MicroPython has it on boards, as much as the firmware uses, over network.mjs."""

import errno
import io

import harness

AF_INET, SOCK_STREAM, SOCK_DGRAM = 2, 1, 2
_LONG_MS = 10_000
_TIMED_OUT = 73
"""As network.mjs says it: WASI's number, not MicroPython's."""


def getaddrinfo(host, port, family=0, kind=SOCK_STREAM, *_):
    return [(AF_INET, kind, 0, "", (host, port))]


_POLL = 3
"""The request of `select` to a stream."""

_LOOK_MS = 500


class socket(io.IOBase):  # noqa: N801 - its name in every Python
    def __init__(self, family=AF_INET, kind=SOCK_STREAM):
        self._kind = "udp" if kind == SOCK_DGRAM else "tcp"
        self._timeout_ms = _LONG_MS
        self._path = ""
        self._file = None

    def settimeout(self, seconds):
        self._timeout_ms = _LONG_MS if seconds is None else int(seconds * 1000)
        if self._path:
            harness.timeout(self._path, self._timeout_ms)

    def connect(self, address):
        self._path = harness.connect(self._kind, address[0], address[1], self._timeout_ms)
        if not self._path:
            raise OSError(errno.ECONNREFUSED)
        self._file = open(self._path, "r+b")  # noqa: SIM115 - until it is closed
        self.settimeout(self._timeout_ms / 1000)

    def write(self, data):
        return self._opened().write(data)

    def read(self, count):
        try:
            return self._opened().read(count)
        except OSError as error:
            found = errno.ETIMEDOUT if error.errno == _TIMED_OUT else error.errno
            raise OSError(found) from None

    def sendto(self, data, address):
        if self._file is None:
            self.connect(address)
        return self.write(data)

    def recvfrom(self, count):
        return self.read(count), None

    def ioctl(self, request, flags):
        """`select` asks again and again, so it is answered when something has come, or soon."""
        if request != _POLL:
            return 0
        return flags & 1 if harness.ready(self._path, _LOOK_MS) else 0

    def close(self):
        if self._file:
            self._file.close()
            self._file = None

    def _opened(self):
        if self._file is None:
            raise OSError(errno.ENOTCONN)
        return self._file
