"""A journey with all who tell of it worked out: tags, loggers that are read out, readers."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulators.gates import Gate, Passed, passed, told
from simulators.loggers import ReadOut
from simulators.message import Message
from simulators.sensors import Wrong
from simulators.voices import Speaker
from simulators.voyage import Heard, spoken, wrongs
from simulators.world import World


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A world, what of its tags arrives, its loggers' files, and its RFID readers."""

    world: World
    heard: tuple[Heard, ...]
    read_out: tuple[ReadOut, ...]
    gates: tuple[Gate, ...]

    def wrongs(self) -> list[Wrong]:
        """What was wrong with tags and loggers and when, by time."""
        of_loggers = [wrong for each in self.read_out for wrong in each.made.wrong]
        found = [*wrongs(self.world, self.heard), *of_loggers]
        return sorted(found, key=lambda wrong: (wrong.begins, wrong))

    def passed(self) -> list[Passed]:
        """What went through the gates, by time, seen or not."""
        found = [each for gate in self.gates for each in passed(self.world, gate)]
        return sorted(found, key=lambda each: each.at)


def messages(
    several: Sequence[Played], speakers: Mapping[str, Speaker], tenant: str
) -> Iterator[Message]:
    """All that is published, by time: what tags tell by their ``speakers``, what readers see."""
    heard = [each for played in several for each in played.heard]
    readers = [told(played.world, gate, tenant) for played in several for gate in played.gates]
    return heapq.merge(spoken(heard, speakers), *readers, key=lambda message: message.at)
