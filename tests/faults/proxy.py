"""A TCP proxy that does to connections what bad networks do, by a schedule drawn from a seed.

It stands between the worker and a server. What it forwards is never changed: only cut into
pieces, held back, or ended.
"""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple, Self

CHUNK = 1 << 16
MAX_HELD = 1 << 20
"""Bytes in hand of one direction: then the sender has to wait, as with any network."""

BYTES_EACH = 3000
"""So many of a connection go one by one, where it is fragmented: the rest in pieces."""

STEP_S = 0.02
BACKLOG = 64


class Fault(StrEnum):
    NONE = "none"
    RESET = "reset"  # both sides get an RST, with what is on the way lost
    STALL = "stall"  # nothing goes either way; the connection stands
    ONE_WAY = "one way"  # one direction is swallowed, and then the connection is reset
    HALF_CLOSED = "half closed"  # one direction is ended in order, the other goes on
    FRAGMENTS = "fragments"  # byte by byte, then random pieces, with pauses
    REFUSED = "refused"  # new connections are ended as they come
    UNREACHABLE = "unreachable"  # all is reset, and who connects gets no answer at all


BRIEF = tuple(fault for fault in Fault if fault not in (Fault.NONE, Fault.UNREACHABLE))
"""What shows within a second."""


class Act(NamedTuple):
    """``fault`` from ``begins`` on for ``lasts``, s; ``way``: 0 to the server, 1 back."""

    begins: float
    lasts: float
    fault: Fault
    way: int


def schedule(seed: int, seconds: float) -> list[Act]:
    """Brief acts one after another for ``seconds``, always the same for a seed."""
    chance = random.Random(seed)
    acts, at = [], chance.uniform(0.0, 0.3)
    while at < seconds:
        fault = chance.choice(BRIEF)
        lasts = chance.uniform(0.05, 0.8)
        acts.append(Act(at, min(lasts, seconds - at), fault, chance.randrange(2)))
        at += lasts + chance.uniform(0.1, 0.7)
    return acts


@dataclass(eq=False)
class _Side:
    """One end of a connection: ``held`` is what waits to be sent to it."""

    socket: socket.socket
    held: bytearray = field(default_factory=bytearray)
    ended: bool = False  # it sends no more
    shut: bool = False  # we send it no more
    single: int = BYTES_EACH
    not_before: float = 0.0
    swallowed: bool = False


@dataclass(eq=False)
class _Pair:
    client: _Side
    server: _Side
    suffered: int = 0  # the act that last did something to it

    @property
    def sides(self) -> tuple[_Side, _Side]:
        """Where each way leads: 0 to the server, 1 back."""
        return self.server, self.client


class Proxy:
    """Forwards connections on ``port`` to ``target`` of this machine, in a thread of its own."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._listening.setblocking(False)
        self.port = int(self._listening.getsockname()[1])
        self.done: Counter[str] = Counter()
        """To how many connections each fault did something, since the start; each act anew."""
        self._pairs: list[_Pair] = []
        self._acts: Sequence[Act] = ()
        self._begun = 0.0
        self._number = 0  # of the act that was begun last
        self._count = 0  # of acts since the start
        self._fillers: list[socket.socket] = []
        self._chance = random.Random(0)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def play(self, acts: Sequence[Act], seed: int) -> None:
        """Do so from now on; before and after it all is forwarded. ``seed``: of the pieces."""
        with self._lock:
            self._acts, self._begun, self._number = acts, time.monotonic(), -1
            self._chance = random.Random(seed)

    def calm(self) -> None:
        """Forward everything."""
        with self._lock:
            self._acts = ()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._listening.close()

    def _run(self) -> None:
        while not self._over.is_set():
            act, began = self._current()
            if self._fillers and (began or act.fault is not Fault.UNREACHABLE):
                self._answer_again()
            if began:
                self._begin(act)
            self._forward(act)
        for pair in list(self._pairs):
            self._drop(pair)
        for filler in self._fillers:
            filler.close()

    def _current(self) -> tuple[Act, bool]:
        """The act of this moment, and whether it has just begun."""
        with self._lock:
            at = time.monotonic() - self._begun
            for number, act in enumerate(self._acts):
                if act.begins <= at < act.begins + act.lasts:
                    began, self._number = number != self._number, number
                    return act, began
        return Act(0.0, 0.0, Fault.NONE, 0), False

    def _begin(self, act: Act) -> None:
        self._count += 1
        for pair in list(self._pairs):
            side = pair.sides[act.way]
            if act.fault in (Fault.RESET, Fault.UNREACHABLE):
                self._cut_within(pair)
                self._drop(pair, reset=True)
            elif act.fault is Fault.HALF_CLOSED and not side.shut:
                self._shut(side)
            elif act.fault is Fault.ONE_WAY:
                side.swallowed = True  # and reset in the end, whatever it had to say
            elif act.fault is Fault.FRAGMENTS:
                side.single = BYTES_EACH
                continue
            else:
                continue
            self._suffers(pair, act)
        if act.fault is Fault.UNREACHABLE:
            self._answer_nobody()

    def _suffers(self, pair: _Pair, act: Act) -> None:
        """Count it, once an act."""
        if pair.suffered != self._count:
            pair.suffered = self._count
            self.done[act.fault] += 1

    def _answer_nobody(self) -> None:
        """Let the system drop each SYN, as it does where as many wait to be accepted as may."""
        self._listening.listen(0)
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def _answer_again(self) -> None:
        ours = {filler.getsockname() for filler in self._fillers}
        with contextlib.suppress(BlockingIOError):
            while True:
                client, address = self._listening.accept()
                if address in ours:
                    client.close()
                else:
                    self._lead(client)
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        self._listening.listen(BACKLOG)

    def _cut_within(self, pair: _Pair) -> None:
        """Some of what waits still goes, so that a packet arrives in part."""
        for side in pair.sides:
            part = bytes(side.held[: self._chance.randrange(len(side.held) + 1)])
            with contextlib.suppress(OSError):
                side.socket.send(part)

    def _forward(self, act: Act) -> None:
        with selectors.DefaultSelector() as selector:
            if act.fault is not Fault.UNREACHABLE:
                selector.register(self._listening, selectors.EVENT_READ, None)
            if act.fault is Fault.STALL:
                self._register_untouched(selector)
            else:
                self._register(selector, act)
            ready = selector.select(STEP_S if self._pairs or self._fillers else 0.1)
        for key, events in ready:
            if key.data is None:
                self._accept(act)
                continue
            pair, side = key.data
            if pair not in self._pairs:
                continue
            if act.fault is Fault.STALL:
                self._suffers(pair, act)
                continue
            try:
                if events & selectors.EVENT_READ:
                    self._read(pair, side)
                if events & selectors.EVENT_WRITE:
                    self._write(pair, side, act)
            except OSError:
                self._drop(pair, reset=True)
        if act.fault is not Fault.STALL:
            self._tidy(act)

    def _register(self, selector: selectors.BaseSelector, act: Act) -> None:
        now = time.monotonic()
        for pair in self._pairs:
            for side, other in ((pair.client, pair.server), (pair.server, pair.client)):
                wanted = 0
                if not side.ended and len(other.held) < MAX_HELD:
                    wanted |= selectors.EVENT_READ
                if side.held and not side.shut and now >= side.not_before:
                    wanted |= selectors.EVENT_WRITE
                if wanted:
                    selector.register(side.socket, wanted, (pair, side))

    def _register_untouched(self, selector: selectors.BaseSelector) -> None:
        """What stands still and was not found yet to have something on the way."""
        for pair in self._pairs:
            for side in pair.sides if pair.suffered != self._count else ():
                wanted = 0 if side.ended else selectors.EVENT_READ
                if side.held and not side.shut:
                    wanted |= selectors.EVENT_WRITE
                if wanted:
                    selector.register(side.socket, wanted, (pair, side))

    def _accept(self, act: Act) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = self._listening.accept()
            if act.fault is Fault.REFUSED:
                self.done[Fault.REFUSED] += 1
                _reset(client)
                return
            self._lead(client)

    def _lead(self, client: socket.socket) -> None:
        """To the server, if that is there."""
        try:
            server = socket.create_connection(("127.0.0.1", self._target), 2.0)
        except OSError:
            _reset(client)
            return
        for each in (client, server):
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pairs.append(_Pair(_Side(client), _Side(server)))

    def _read(self, pair: _Pair, side: _Side) -> None:
        other = pair.server if side is pair.client else pair.client
        try:
            data = side.socket.recv(CHUNK)
        except BlockingIOError:
            return
        if not data:
            side.ended = True
        elif not (other.swallowed or other.shut):
            other.held += data

    def _write(self, pair: _Pair, side: _Side, act: Act) -> None:
        size = len(side.held)
        if act.fault is Fault.FRAGMENTS:
            size = 1 if side.single > 0 else self._chance.randint(1, 700)
            side.single -= 1
            if self._chance.random() < 0.02:
                side.not_before = time.monotonic() + self._chance.uniform(0.0, 0.05)
            self._suffers(pair, act)
        with contextlib.suppress(BlockingIOError):
            sent = side.socket.send(side.held[:size])
            del side.held[:sent]

    def _tidy(self, act: Act) -> None:
        """End what is over: swallowed connections with their act, others as their ends did."""
        for pair in list(self._pairs):
            if act.fault is not Fault.ONE_WAY and any(side.swallowed for side in pair.sides):
                self._drop(pair, reset=True)
                continue
            for side, other in ((pair.client, pair.server), (pair.server, pair.client)):
                if side.ended and not other.held:
                    self._shut(other)
            if pair.client.shut and pair.server.shut:
                self._drop(pair)

    def _shut(self, side: _Side) -> None:
        if not side.shut:
            side.shut = True
            with contextlib.suppress(OSError):
                side.socket.shutdown(socket.SHUT_WR)

    def _drop(self, pair: _Pair, reset: bool = False) -> None:
        self._pairs.remove(pair)
        for side in pair.sides:
            (_reset if reset else socket.socket.close)(side.socket)


def _reset(each: socket.socket) -> None:
    """Close with an RST: what the other side has not read yet is lost to it."""
    with contextlib.suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    each.close()
