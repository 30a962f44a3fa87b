"""A gateway as a process of its own: readings of many tags at a rate, none forgotten before PUBACK.

``python -m tests.faults.gateway PORT TENANT PREFIX TAGS FILE PADDING``. On its input: ``rate 1000``
readings a second from now on; ``finish``: make no more, wait until the broker has acknowledged
all, write what was made and what was acknowledged to FILE (npz) and end. About twice a second it
says ``{"made": …, "acknowledged": …}``. The tags are called PREFIX-0, PREFIX-1 …; each reading has
a text of length PADDING beside its values, so that disks fill faster.

A reading's tag and time are its own alone: no two readings of a tag have one time. Its values
follow from its number, so that one which was blended with another shows.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.faults import wire
from tests.faults.numbers import humidity, place, temperature

WINDOW = 2000
"""Unacknowledged at most: as a broker's limit for a client would have it."""

TELL_S = 0.5
RETRY_S = 0.2
PING_S = 20.0


class Gateway:
    """Readings are numbered from 0; number n is of tag n % tags and has the sequence n // tags."""

    def __init__(self, port: int, tenant: str, prefix: str, tags: int, padding: int) -> None:
        self._padding = f',"note":"{"x" * padding}"' if padding else ""
        self._port, self._tags, self._client = port, tags, f"gateway-{tenant}-{prefix}"
        self._topics = [f"dunnage/v1/{tenant}/{prefix}-{tag}/readings" for tag in range(tags)]
        self.times: list[int] = []  # of every reading that was made, ms
        self.acknowledged: set[int] = set()
        self._pending: deque[int] = deque()
        self._inflight: OrderedDict[int, int] = OrderedDict()  # packet number -> reading
        self._last_packet = 0
        self._link: wire.Connection | None = None
        self._heard = self._retry = 0.0
        self._rate = 0.0
        self._owed = 0.0
        self._ticked = time.monotonic()

    def set_rate(self, rate: float) -> None:
        self._rate = rate

    @property
    def done(self) -> bool:
        return not self._rate and not self._pending and not self._inflight

    def step(self) -> None:
        """A few milliseconds of its life."""
        self._make()
        if self._link is None and not self._connected():
            return
        assert self._link is not None
        try:
            self._send(self._link)
            for packet in self._link.exchange(0.005):
                self._heard = time.monotonic()
                if packet.kind == wire.PUBACK and packet.number in self._inflight:
                    self.acknowledged.add(self._inflight.pop(packet.number))
            if time.monotonic() - self._heard > PING_S:
                self._link.send(wire.ping())
                self._heard = time.monotonic()
        except OSError:
            self._lost()

    def _make(self) -> None:
        now = time.monotonic()
        self._owed += self._rate * (now - self._ticked)
        self._ticked = now
        at = int(time.time() * 1000)
        for _ in range(int(self._owed)):
            number = len(self.times)
            before = self.times[number - self._tags] if number >= self._tags else 0
            self.times.append(max(at, before + 1))
            self._pending.append(number)
        self._owed -= int(self._owed)

    def _connected(self) -> bool:
        if time.monotonic() < self._retry:
            time.sleep(0.01)
            return False
        try:
            self._link = wire.Connection(self._port, self._client)
        except OSError:
            self._retry = time.monotonic() + RETRY_S
            return False
        self._heard = time.monotonic()
        for packet, number in self._inflight.items():
            self._link.send(self._packet(packet, number, again=True))
        return True

    def _lost(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None
        self._retry = time.monotonic() + RETRY_S

    def _send(self, link: wire.Connection) -> None:
        while self._pending and len(self._inflight) < WINDOW and link.waiting < wire.READ_BYTES:
            number = self._pending.popleft()
            packet = self._free_packet()
            self._inflight[packet] = number
            link.send(self._packet(packet, number))

    def _free_packet(self) -> int:
        self._last_packet = self._last_packet % 65_535 + 1
        while self._last_packet in self._inflight:
            self._last_packet = self._last_packet % 65_535 + 1
        return self._last_packet

    def _packet(self, packet: int, number: int, again: bool = False) -> bytes:
        tag, seq = place(number, self._tags)
        text = reading(number, 1, seq, self.times[number], self._padding)
        return wire.publish(self._topics[tag], text.encode(), packet, again)


def reading(number: int, boot: int, seq: int, t: int, padding: str = "") -> str:
    """The JSON of a reading; ``padding``: more of its fields."""
    return (
        f'{{"boot":{boot},"seq":{seq},"t":{t},'
        f'"temperature":{temperature(number)},"humidity":{humidity(number)}{padding}}}'
    )


def main() -> None:
    port, tenant, prefix, tags, path, padding = sys.argv[1:]
    gateway = Gateway(int(port), tenant, prefix, int(tags), int(padding))
    finish = threading.Event()
    threading.Thread(target=listen, args=(gateway.set_rate, finish), daemon=True).start()
    told = 0.0
    while not (finish.is_set() and gateway.done):
        gateway.step()
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            _tell(gateway)
    acknowledged = np.zeros(len(gateway.times), np.bool_)
    acknowledged[list(gateway.acknowledged)] = True
    with Path(path).open("wb") as file:
        np.savez(file, times=np.array(gateway.times, np.int64), acknowledged=acknowledged)
    _tell(gateway)


def listen(set_rate: Callable[[float], None], finish: threading.Event) -> None:
    """Do as the input says until it ends; for a thread of its own."""
    for line in sys.stdin:
        if line.startswith("rate "):
            set_rate(float(line.split()[1]))
        elif line.strip() == "finish":
            break
    set_rate(0.0)  # told to finish, or left alone
    finish.set()


def _tell(gateway: Gateway) -> None:
    told = {"made": len(gateway.times), "acknowledged": len(gateway.acknowledged)}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
