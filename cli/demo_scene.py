"""What a demo plays: the fleet of forty lots, or (`cli.demo_journey`) a journey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import RenderableType

from simulators.demo_fleet import world

Records = Mapping[str, list[dict[str, Any]]]
Alert = Mapping[str, Any]

HISTORY_H = 24
"""Hours that the fleet's tags have measured before the start: what lags and settles is known."""
HISTORY_S = 3.0
"""What the fleet takes to publish its history."""


class Beside(Protocol):
    """What is true, to be shown beside what was found out."""

    def now(self, now_ms: int) -> RenderableType:
        """What is true at an instant."""

    def compared(self, alerts: Sequence[Alert]) -> RenderableType:
        """For people: what really happened, and what was told of it."""

    def rows(self, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
        """The same for programs."""


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

    def beside(self, start_ms: int, speed: float) -> Beside | None:
        """What is true of it, where that is known."""


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

    def beside(self, start_ms: int, speed: float) -> None:
        del start_ms, speed
