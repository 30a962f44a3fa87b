"""A node through a long time without a broker, until its ring is full and over, and back.

It is what main.py makes of a config.json, but for what a test cannot wait for.
"""

import machine
import main
import network
from boards.esp32 import Board
from real import connected


class MovedBoard(Board):
    """Whose clock can be moved, and is right whenever it is set."""

    moved_ms = 0

    def raw_ms(self):
        return super().raw_ms() + MovedBoard.moved_ms

    def time_ms(self):
        return self.raw_ms()


class LongRun:
    """`port` is the broker's, which is not asked before `run` says that it is not away."""

    def __init__(self, tenant, tag, port, days):
        MovedBoard.moved_ms = -days * 86_400_000
        main.Board, main.connected = MovedBoard, self._connected
        self._config = {
            "tenant": tenant,
            "tag": tag,
            "broker": "127.0.0.1",
            "port": port,
            "wifi_name": "yard",
            "wifi_password": "secret",
            "battery_pin": 34,
        }
        self.lost = self.held = 0
        self._away = True
        self._cycle = None
        self._left = 0
        self.power_on()
        machine.cause = machine.DEEPSLEEP_RESET

    def power_on(self):
        """And out of deep sleep, where there was one."""
        network.log.clear()
        _, self.node = main.built(self._config)

    def _connected(self, _, port, tls):
        if self._away:
            raise OSError("nobody is there")
        return connected(port)

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
            MovedBoard.moved_ms += self.node.sleep()
            self.held, self.lost = self.node._ring.count, self.node._ring.lost
            more = self.node.seq < self._left or (not self._away and self.held > 0)
            self.node = None  # deep sleep leaves nothing in memory
            return more
        return True
