"""A board in real time, and real sockets."""

import socket
import time

from board import Board

BEGUN_MS = 3 * 3_600_000
"""So long ago a board's story begins: it has that much sleep in it."""


class FieldBoard(Board):
    """`now_ms` goes on by itself, and can be moved: what is slept is not waited for."""

    def _begin(self):
        self._moved_ms = -BEGUN_MS

    @property
    def now_ms(self):
        return time.time_ns() // 1_000_000 + self._moved_ms

    @now_ms.setter
    def now_ms(self, ms):
        self._moved_ms += ms - self.now_ms


def connected(port, timeout_s=5):
    """A socket to a port of this machine."""
    sock = socket.socket()
    sock.settimeout(timeout_s)
    sock.connect(("127.0.0.1", port))
    return sock
