"""A node through a long time without a broker, until its ring is full and over, and back."""

from node import record
from node.broker import Broker
from node.mqtt import Mqtt
from node.node import Node
from node.ring import Ring
from node.sht4x import crc8
from real import FieldBoard, connected


class Bus:
    """An I²C bus with an SHT4x in air that is never quite still."""

    def __init__(self):
        self._count = 0

    def writeto(self, address, data):
        pass

    def readfrom_into(self, address, buffer):
        self._count += 1
        for at, word in ((0, 24_000 + self._count % 97), (3, 33_000 + self._count % 89)):
            buffer[at], buffer[at + 1] = word >> 8, word & 0xFF
            buffer[at + 2] = crc8(buffer[at : at + 2])


class LongRun:
    """`sensor` is an `SHT4x`; `port` the broker's, which is not asked before `come_back`."""

    def __init__(self, sensor, tenant, tag, port, days):
        self.board = FieldBoard()
        self.board.now_ms -= days * 86_400_000
        self.lost = self.held = 0
        self._sensor, self._tenant, self._tag, self._port = sensor, tenant, tag, port
        self._away = True
        self._cycle = None
        self._left = 0
        self.power_on()

    def power_on(self):
        """And out of deep sleep, where there was one."""
        link = Mqtt(self._connected, self._tag, timeout_s=5)
        board = self.board
        carrier = Broker(link, board.network, board.time_ms, self._tenant, self._tag, _quiet)
        self.ring = Ring("/data/ring", record.SIZE)
        self.node = Node(board, self._sensor.measure, carrier, 0, self.ring, _quiet)

    def _connected(self):
        if self._away:
            raise OSError("nobody is there")
        return connected(self._port)

    def run(self, readings, away):
        """Let `step` go on until so many were measured in all, or, not away, nothing is held."""
        self._left, self._away = readings, away

    def step(self):
        """For `drive`: up to where the node yields."""
        if self.node is None:
            self.power_on()
            return True
        if self._away and self.node.seq % 10:  # one in ten tries to send, and sleeps
            self.node._measure()
            return self.node.seq < self._left
        if self._cycle is None:
            self._cycle = self.node.cycle()
        try:
            next(self._cycle)
        except StopIteration:
            self._cycle = None
            self.board.now_ms += self.node.sleep()
            self.held, self.lost = self.ring.count, self.ring.lost
            more = self.node.seq < self._left or (not self._away and self.held > 0)
            self.node = self.ring = None  # deep sleep leaves nothing in memory
            return more
        return True


def _quiet(_):
    pass
