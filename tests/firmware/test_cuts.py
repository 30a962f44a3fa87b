"""The power goes at every step: no reading is lost, and none is visible twice."""

from __future__ import annotations

import resource
import time
from collections import Counter, defaultdict

import pytest
from sqlalchemy import Engine

from lots.readings.batch import Flag
from tests.firmware.micropython import MicroPython
from tests.firmware.server import FAULTS, Server

SEEDS = range(1, 1001)
SMALL_SEEDS = range(1, 51)
ROOMY, SMALL = "5, 6", "2, 2"
"""Segments of a ring and slots of each: no seed has more readings than the one has room for."""

STEPS = 175
"""A little more than all that two cycles of a node spend."""


@pytest.fixture
def server(database: Engine) -> Server:
    return Server(database)


def drive(server: Server, source: str) -> float:
    """Seconds of a processor that the stories took, in both processes."""
    begun = time.process_time() + _children()
    with MicroPython(heap=512 * 1024, ask=server.ask) as micropython:
        micropython.run(f"import cuts\nstep = {source}")
        micropython.drive("step")
    return time.process_time() + _children() - begun


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lost(server: Server) -> dict[str, set[int]]:
    """Of each node the readings that it kept and that nobody can see.

    Asserts that none holds anything any more, and that each reading is visible once at most.
    """
    seen: dict[str, Counter[int]] = defaultdict(Counter)
    for each in server.visible():
        seen[each.tag][round(each.temperature * 100)] += 1
    found = {}
    for told in server.told:
        assert told["empty"], f"{told['tag']} still holds something"
        counts = seen[told["tag"]]
        assert set(counts.values()) <= {1}, f"{told['tag']}: visible twice"
        assert set(counts) <= set(range(1, told["tried"] + 1))
        found[told["tag"]] = set(told["kept"]) - set(counts)
    return found


def kept(server: Server) -> int:
    return sum(len(told["kept"]) for told in server.told)


def test_power_cuts_in_random_orders(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = drive(server, f"cuts.play(range({SEEDS.start}, {SEEDS.stop}), {ROOMY})")
    found = lost(server)
    count = sum(len(each) for each in found.values())
    with capsys.disabled():
        print(
            f"\n{len(found)} seeds, {SEEDS[0]} to {SEEDS[-1]}: {kept(server)} readings kept, "
            f"{count} lost, 0 twice; {seconds:.1f} s of a processor; {dict(server.faults)}"
        )
    assert len(found) == len(SEEDS)
    assert not count, [tag for tag, each in found.items() if each]
    assert not any(told["lost"] for told in server.told)
    assert set(server.faults) == set(FAULTS), "each of them happened"
    flags = {each.flags for each in server.visible()}
    assert flags == {0, Flag.CLOCK_CORRECTED}, "with clocks that were set, and such as were not"


@pytest.mark.parametrize(("kind", "garbage"), [("torn", -1), ("torn", 0xA5), ("whole", -1)])
def test_power_cut_at_every_step(server: Server, kind: str, garbage: int) -> None:
    """Each byte of a start, of two readings that are stored, sent and acknowledged, is the last."""
    drive(server, f"cuts.play_each_step('{kind}', {garbage}, range({STEPS}), {ROOMY})")
    assert len(server.told) == STEPS
    assert not any(lost(server).values())
    assert server.told[-1]["lives"] == 1, "the last steps are beyond what there is to cut"
    assert server.told[0]["lives"] == 2


def test_what_a_full_ring_overwrites_is_counted(server: Server) -> None:
    """Nobody is there for long, and there is room for a few readings: the oldest are lost, and the
    node says how many."""
    drive(server, f"cuts.play(range({SMALL_SEEDS.start}, {SMALL_SEEDS.stop}), {SMALL}, True)")
    found = lost(server)
    assert sum(map(len, found.values())) > len(SMALL_SEEDS), "the ring was full often"
    for told in server.told:
        missing = found[told["tag"]]
        assert missing == set(told["kept"][: len(missing)]), "the oldest"
        unsure = told["tried"] - len(told["kept"])  # may have been whole as the power went
        assert len(missing) <= told["lost"] <= len(missing) + unsure, told["tag"]
