"""A journey of the library or of a file as a demo: its world, its tags, and its truth."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from time import monotonic

from cli.demo_scene import Beside, Records
from cli.demo_truth import WhatIsTrue
from cli.simulating import rows_of
from lots.errors import UserError
from simulators import journey
from simulators.climate import NotHere
from simulators.gates import gates_in
from simulators.registration import records
from simulators.sensors import declared
from simulators.voyage import hear, hung_in
from simulators.world import World

AS_LONG = 2.0
"""A journey is worked out again beside all that starts: it takes at most so many times as long."""
WARMS_UP = "unwrapped-too-soon"
"""The shortest journey of the library: the first that is played waits for machine code."""


class OneJourney:
    """A journey of the library or of a file, as ``seed`` makes it. Raises `UserError`."""

    def __init__(self, name: str, seed: int) -> None:
        # Its tags' process works in the demo's folder.
        self._name = str(Path(name).resolve()) if name.endswith((".yaml", ".yml")) else name
        self._seed = seed
        try:
            found = journey.find(name, declared.check)
            _hear_all(World(journey.named(WARMS_UP), seed, start_ms=0))  # it is on disk from now on
            begun = monotonic()
            self._world = World(found, seed, start_ms=0)
            _hear_all(self._world)
        except NotHere as error:
            raise UserError(f"{name}: {error}") from error
        except ValueError as error:
            raise UserError(str(error)) from error
        self.about = found.title
        self.gets_ready_s = AS_LONG * (monotonic() - begun)

    def records(self, start_ms: int, tenant: str) -> Records:
        world = self.at(start_ms)
        return records(world, hung_in(world), tenant)

    def tags(self, broker: str, tenant: str, start_ms: int, speed: float) -> list[str]:
        del start_ms  # it has the settings' clock
        arguments = ["cli.main", "simulate", self._name, "--seed", str(self._seed), "--import"]
        return [*arguments, "--broker", broker, "--tenant", tenant, "--speed", str(speed)]

    def settings(self, tenant: str) -> dict[str, str]:
        native = {"filter": "dunnage/v1/+/+/readings", "format": "native"}
        rows = rows_of(hung_in(self._world), gates_in(self._world), tenant)
        return {"DUNNAGE_SUBSCRIPTIONS": json.dumps([native, *rows])}

    def beside(self, start_ms: int, speed: float) -> Beside:
        return WhatIsTrue(self.at(start_ms), speed)

    def at(self, start_ms: int) -> World:
        """The journey's world, begun then: what happens in it is worked out once."""
        world = copy.copy(self._world)
        world.start_ms = start_ms
        return world


def _hear_all(world: World) -> None:
    for each in hung_in(world):
        hear(world, each)
