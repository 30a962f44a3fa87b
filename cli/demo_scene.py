"""What a demo plays: the fleet of forty lots, or one journey whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import monotonic
from typing import Any, Protocol

from lots.errors import UserError
from simulators import journey
from simulators.climate import NotHere
from simulators.demo_fleet import world
from simulators.registration import records
from simulators.sensors import declared
from simulators.voyage import hear, hung_in
from simulators.world import World

Records = Mapping[str, list[dict[str, Any]]]

HISTORY_H = 24
"""Hours that the fleet's tags have measured before the start: what lags and settles is known."""
HISTORY_S = 3.0
"""What the fleet takes to publish its history."""
AS_LONG = 2.0
"""A journey is worked out again beside all that starts: it takes at most so many times as long."""


class Scene(Protocol):
    """What is played, from the instant that the demo's clock begins to run fast."""

    about: str

    @property
    def gets_ready_s(self) -> float:
        """What its tags take until the first is heard, beside starting a process."""

    def records(self, start_ms: int, tenant: str) -> Records:
        """Its world, to be registered."""

    def tags(self, broker: str, tenant: str, start_ms: int, speed: float) -> list[str]:
        """``python -m`` of the process that plays its tags."""

    def settings(self, tenant: str) -> dict[str, str]:
        """Of all processes, beside the demo's own."""


class FortyLots:
    """The fleet of `simulators.demo_fleet`."""

    about = "forty lots at three sites"
    gets_ready_s = HISTORY_S

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def records(self, start_ms: int, tenant: str) -> Records:
        del tenant
        return world(start_ms, self._seed)

    def tags(self, broker: str, tenant: str, start_ms: int, speed: float) -> list[str]:
        arguments = ["simulators.demo_fleet", "--broker", broker, "--tenant", tenant]
        arguments += ["--seed", str(self._seed), "--start-ms", str(start_ms)]
        return [*arguments, "--speed", str(speed), "--history", str(HISTORY_H)]

    def settings(self, tenant: str) -> dict[str, str]:
        del tenant
        return {}


class OneJourney:
    """A journey of the library or of a file, as ``seed`` makes it. Raises `UserError`."""

    def __init__(self, name: str, seed: int) -> None:
        self._name, self._seed = name, seed
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

    def at(self, start_ms: int) -> World:
        """The journey's world, begun then."""
        return World(self._journey, self._seed, start_ms=start_ms)

    def _work_out(self) -> None:
        world = self.at(0)
        for each in hung_in(world):
            hear(world, each)
