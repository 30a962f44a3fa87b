"""The power goes at every step: no reading is lost, and none is visible twice."""

from __future__ import annotations

import json
import resource
import time
from collections import Counter, defaultdict
from typing import Any, NamedTuple

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


class Played(NamedTuple):
    told: list[dict[str, Any]]
    """What each node says at the end that there was."""

    seconds: float
    """Of a processor, in both processes."""


def play(server: Server, source: str) -> Played:
    begun = time.process_time() + _children()
    with MicroPython(heap=512 * 1024, ask=server.ask) as micropython:
        micropython.run(f"import cuts\nstep = {source}")
        lines = micropython.drive("step")["out"]
    seconds = time.process_time() + _children() - begun
    return Played([json.loads(line) for line in lines], seconds)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lost(server: Server, played: Played) -> dict[str, set[int]]:
    """Of each node the readings that it kept and that nobody can see.

    Asserts that none holds anything any more, and that each reading is visible once at most.
    """
    seen: dict[str, Counter[int]] = defaultdict(Counter)
    for each in server.visible():
        seen[each.tag][round(each.temperature * 100)] += 1
    found = {}
    for told in played.told:
        assert told["empty"], f"{told['tag']} still holds something"
        counts = seen[told["tag"]]
        assert set(counts.values()) <= {1}, f"{told['tag']}: visible twice"
        assert set(counts) <= set(range(1, told["tried"] + 1))
        found[told["tag"]] = set(told["kept"]) - set(counts)
    return found


def test_power_cuts_in_random_orders(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    played = play(server, f"cuts.play(range({SEEDS.start}, {SEEDS.stop}), {ROOMY})")
    found = lost(server, played)
    count = sum(len(each) for each in found.values())
    kept = sum(len(told["kept"]) for told in played.told)
    amid = sum(told["amid"] for told in played.told)
    with capsys.disabled():
        print(
            f"\n{len(found)} seeds, {SEEDS[0]} to {SEEDS[-1]}: {kept} readings kept, {count} lost, "
            f"0 twice; {amid} cuts between the messages of a round; "
            f"{played.seconds:.1f} s of a processor; {dict(server.faults)}"
        )
    assert amid > len(SEEDS) / 20, "the power went between the messages of a round"
    assert len(found) == len(SEEDS)
    assert not count, [tag for tag, each in found.items() if each]
    assert not any(told["lost"] for told in played.told)
    assert set(server.faults) == set(FAULTS), "each of them happened"
    flags = {each.flags for each in server.visible()}
    assert flags == {0, Flag.CLOCK_CORRECTED}, "with clocks that were set, and such as were not"


@pytest.mark.parametrize(("kind", "garbage"), [("torn", -1), ("torn", 0xA5), ("whole", -1)])
def test_power_cut_at_every_step(server: Server, kind: str, garbage: int) -> None:
    """Each byte of a start, of two readings that are stored, sent and acknowledged, is the last."""
    steps = f"'{kind}', {garbage}, range({STEPS})"
    played = play(server, f"cuts.play_each_step({steps}, {ROOMY})")
    assert len(played.told) == STEPS
    assert not any(lost(server, played).values())
    assert played.told[0]["lives"] == 2
    assert played.told[-1]["lives"] == 1, "the last steps are beyond what there is to cut"


def test_what_a_full_ring_overwrites_is_counted(server: Server) -> None:
    """Nobody is there for long, and there is room for a few readings: the oldest are lost, and the
    node says how many."""
    seeds = f"range({SMALL_SEEDS.start}, {SMALL_SEEDS.stop})"
    played = play(server, f"cuts.play({seeds}, {SMALL}, True)")
    found = lost(server, played)
    assert sum(map(len, found.values())) > len(SMALL_SEEDS), "the ring was full often"
    for told in played.told:
        missing = found[told["tag"]]
        assert missing == set(told["kept"][: len(missing)]), "the oldest"
        unsure = told["tried"] - len(told["kept"])  # may have been whole as the power went
        assert len(missing) <= told["lost"] <= len(missing) + unsure, told["tag"]
