"""What everybody has, to compare our rules with: fixed limits with a delay, and the margin now.

They are rules as packs have them, each at several limits. The limit to compare with is chosen on
the tuning part, so that as many events are hit as by our rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.pack import parse
from rules.rule import Rules

MARGINS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)  # K
HUMIDITIES: Final = (50, 55, 60, 65, 70, 75, 80, 84, 87, 90, 92, 94, 96, 98)  # %RH
BACK_K: Final = 0.5
BACK_PCT: Final = 3
"""How far back over its limit, and under it, an alarm of margin and of humidity ends."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """``rule``: its name as a rule; ``what`` it is, for people."""

    rule: str
    what: str
    opens: str
    clears: str
    delay: str


def _margin(limit: float) -> Baseline:
    name = f"margin_{limit:g}".replace("-", "minus")
    what = f"margin under {limit:g} K now"
    return Baseline(name, what, f"margin < {limit:g}", f"margin >= {limit + BACK_K:g}", "0 min")


def _humidity(limit: int, delay: str) -> Baseline:
    name = f"humidity_{limit}_{delay}".replace(" ", "_")
    what = f"over {limit} %RH for {delay}"
    return Baseline(name, what, f"humidity > {limit}", f"humidity < {limit - BACK_PCT}", delay)


def _fixed(delay: str) -> tuple[Baseline, ...]:
    return tuple(_humidity(limit, delay) for limit in HUMIDITIES)


MARGIN_NOW: Final = tuple(_margin(limit) for limit in MARGINS)
SOON, TEN_HOURS, A_DAY = _fixed("1 h"), _fixed("10 h"), _fixed("24 h")

BASELINES: Final[Mapping[str, Mapping[str, Sequence[Baseline]]]] = {
    "lead.sweat": {"baseline": MARGIN_NOW, "baseline_limits": SOON},
    "lead.sweat_near": {"baseline": MARGIN_NOW, "baseline_limits": SOON},
    "lead.wet": {"baseline": TEN_HOURS},
    "wool.mould": {"baseline": A_DAY},
}
"""rule -> name of a baseline -> that at each of its limits."""


def as_rules() -> Rules:
    """All of them, as a pack would have them."""
    every = {each.rule: each for of in BASELINES.values() for its in of.values() for each in its}
    lines = [
        f"  {each.rule}: {{title: t, severity: info, action: a, based_on: b,"
        f" when: '{each.opens}', clear: '{each.clears}', for: {each.delay}}}"
        for each in every.values()
    ]
    return parse({"baseline.yaml": "\n".join(["pack: baseline", "rules:", *lines])})
