"""Devices as a process of their own that trust nobody's acknowledgement but Dunnage's.

``python -m tests.faults.devices PORT TENANT PREFIX TAGS FILE``; it is led and records as
`gateway` is. Each device has a connection of its own, asks with every reading, and keeps what it
measured until the answer on its ``ack`` topic covers it (docs/wire.md). What is missing, or was
not answered for some seconds, it sends again. Now and then one restarts: a new ``boot``, with what
it holds still in its memory.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.faults import wire
from tests.faults.gateway import RETRY_S, TELL_S, listen, reading
from tests.faults.numbers import place

ASK_AGAIN_S = 2.0
MOST_AGAIN = 100
"""Readings that are sent again in one message."""

REBOOT_EACH = 97
"""A device restarts after so many readings, some earlier than others."""


class Held(NamedTuple):
    number: int
    text: str  # without what asks


class Device:
    """One tag; ``held``: (boot, seq) -> what is not known to be safe, in the order of measuring."""

    def __init__(self, port: int, tenant: str, name: str) -> None:
        self._port, self._name = port, name
        self._readings = f"dunnage/v1/{tenant}/{name}/readings"
        self._acks = f"dunnage/v1/{tenant}/{name}/ack"
        self.held: dict[tuple[int, int], Held] = {}
        self.safe: list[int] = []
        self.sent_again = 0
        self._boot, self._seq, self._packet = 1, 0, 1
        self._link: wire.Connection | None = None
        self._retry = self._heard = 0.0

    def measure(self, number: int, at: int) -> None:
        if self._seq >= REBOOT_EACH - len(self._name) % 7 - number % 13:
            self._boot, self._seq = self._boot + 1, 0
        key = (self._boot, self._seq)
        self._seq += 1
        if not self.held:
            self._heard = time.monotonic()
        self.held[key] = Held(number, reading(number, *key, at))
        self._send([key])

    def step(self) -> None:
        if self._link is None and not self._connected():
            return
        assert self._link is not None
        try:
            for packet in self._link.exchange(0.0):
                if packet.kind == wire.PUBLISH:
                    self._answered(json.loads(packet.message[1]))
            if self.held and time.monotonic() - self._heard > ASK_AGAIN_S:
                self._heard = time.monotonic()
                oldest = next(iter(self.held))[0]
                self._again([key for key in self.held if key[0] == oldest])
        except OSError:
            self._link.close()
            self._link = None
            self._retry = time.monotonic() + RETRY_S

    def _connected(self) -> bool:
        if time.monotonic() < self._retry:
            return False
        try:
            self._link = wire.Connection(self._port, self._name)
        except OSError:
            self._retry = time.monotonic() + RETRY_S
            return False
        self._link.send(wire.subscribe(self._acks, 1))
        return True

    def _answered(self, answer: dict[str, object]) -> None:
        """Of one boot all up to ``seq`` is safe, but what is missing: that goes out again."""
        self._heard = time.monotonic()
        boot, seq, missing = answer["boot"], answer["seq"], answer["missing"]
        assert isinstance(boot, int)
        assert isinstance(seq, int)
        assert isinstance(missing, list)
        lacking = []
        for key in [key for key in self.held if key[0] == boot and key[1] <= seq]:
            if any(first <= key[1] <= last for first, last in missing):
                lacking.append(key)
            else:
                self.safe.append(self.held.pop(key).number)
        self._again(lacking)

    def _again(self, keys: list[tuple[int, int]]) -> None:
        if keys:
            self.sent_again += len(keys[:MOST_AGAIN])
            self._send(keys[:MOST_AGAIN])

    def _send(self, keys: list[tuple[int, int]]) -> None:
        """As one message; the last of them asks. What the link loses is asked for later."""
        if self._link is None:
            return
        boot, _ = keys[-1]
        first = min(seq for of, seq in self.held if of == boot)
        texts = [self.held[key].text for key in keys]
        texts[-1] = f'{texts[-1][:-1]},"ack":true,"first":{first}}}'
        payload = texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"
        self._packet = self._packet % 65_535 + 1
        self._link.send(wire.publish(self._readings, payload.encode(), self._packet))


class Devices:
    """They measure in turns; reading n is of device n % tags."""

    def __init__(self, port: int, tenant: str, prefix: str, tags: int) -> None:
        self.all = [Device(port, tenant, f"{prefix}-{tag}") for tag in range(tags)]
        self.times: list[int] = []
        self.rate = 0.0
        self._owed, self._ticked = 0.0, time.monotonic()

    @property
    def done(self) -> bool:
        """All have measured as often, and hold nothing."""
        whole = len(self.times) % len(self.all) == 0
        return not self.rate and whole and not any(each.held for each in self.all)

    def step(self) -> None:
        now = time.monotonic()
        self._owed += self.rate * (now - self._ticked)
        self._ticked = now
        for _ in range(int(self._owed)):
            self._measure()
        self._owed -= int(self._owed)
        while not self.rate and len(self.times) % len(self.all):
            self._measure()
        for device in self.all:
            device.step()
        time.sleep(0.005)

    def _measure(self) -> None:
        number, tags = len(self.times), len(self.all)
        before = self.times[number - tags] if number >= tags else 0
        self.times.append(max(int(time.time() * 1000), before + 1))
        self.all[place(number, tags)[0]].measure(number, self.times[-1])

    def tell(self) -> None:
        told = {
            "made": len(self.times),
            "acknowledged": sum(len(each.safe) for each in self.all),
            "again": sum(each.sent_again for each in self.all),
        }
        print(json.dumps(told), flush=True)


def main() -> None:
    port, tenant, prefix, tags, path = sys.argv[1:]
    devices = Devices(int(port), tenant, prefix, int(tags))
    finish = threading.Event()

    def led(rate: float) -> None:
        devices.rate = rate

    threading.Thread(target=listen, args=(led, finish), daemon=True).start()
    told = 0.0
    while not (finish.is_set() and devices.done):
        devices.step()
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            devices.tell()
    safe = np.zeros(len(devices.times), np.bool_)
    safe[[number for each in devices.all for number in each.safe]] = True
    with Path(path).open("wb") as file:
        np.savez(file, times=np.array(devices.times, np.int64), acknowledged=safe)
    devices.tell()


if __name__ == "__main__":
    main()
