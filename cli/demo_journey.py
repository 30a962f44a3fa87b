"""A journey of the library or of a file as a demo: its world, its tags, and its truth."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic

from cli.demo_scene import Beside, Records
from cli.demo_truth import WhatIsTrue
from lots.errors import UserError
from simulators import journey
from simulators.climate import NotHere
from simulators.registration import records
from simulators.sensors import declared
from simulators.voyage import hear, hung_in
from simulators.world import World

AS_LONG = 2.0
"""A journey is worked out again beside all that starts: it takes at most so many times as long."""


class OneJourney:
    """A journey of the library or of a file, as ``seed`` makes it. Raises `UserError`."""

    def __init__(self, name: str, seed: int) -> None:
        # Its tags' process works in the demo's folder.
        self._name = str(Path(name).resolve()) if name.endswith((".yaml", ".yml")) else name
        self._seed = seed
        try:
            self._journey = journey.find(name, declared.check)
            self._tags = hung_in(self.at(0))
            self._work_out()  # what is compiled is on disk from now on, for its tags too
            begun = monotonic()
            self._work_out()
        except NotHere as error:
            raise UserError(f"{name}: {error}") from error
        except ValueError as error:
            raise UserError(str(error)) from error
        self.about = self._journey.title
        self.gets_ready_s = AS_LONG * (monotonic() - begun)

    def records(self, start_ms: int, tenant: str) -> Records:
        return records(self.at(start_ms), hung_in(self.at(start_ms)), tenant)

    def tags(self, broker: str, tenant: str, start_ms: int, speed: float) -> list[str]:
        del start_ms  # it has the settings' clock
        arguments = ["cli.main", "simulate", self._name, "--seed", str(self._seed), "--import"]
        return [*arguments, "--broker", broker, "--tenant", tenant, "--speed", str(speed)]

    def settings(self, tenant: str) -> dict[str, str]:
        voices = {each.voice.name: each.voice for each in self._tags}
        rows = [{"filter": "dunnage/v1/+/+/readings", "format": "native"}]
        rows += [voice.row(tenant) for name, voice in voices.items() if name != "native"]
        return {"DUNNAGE_SUBSCRIPTIONS": json.dumps(rows)}

    def beside(self, start_ms: int) -> Beside:
        return WhatIsTrue(self.at(start_ms))

    def at(self, start_ms: int) -> World:
        """The journey's world, begun then."""
        return World(self._journey, self._seed, start_ms=start_ms)

    def _work_out(self) -> None:
        world = self.at(0)
        for each in hung_in(world):
            hear(world, each)
