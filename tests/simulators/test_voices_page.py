"""docs/voices.md has the voices as they are; run alone this prints the lines of its table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from simulators.readings import Readings
from simulators.voices import LOGGERS, READERS, VOICES, Carried, Times, Voice

PAGE = Path(__file__).parents[2] / "docs" / "voices.md"
TIMES = {
    Times.DEVICE: "the device's",
    Times.NETWORK: "the network's; it keeps nothing",
    Times.BOTH: "the network's; of earlier the device's",
}


def step(way: Carried) -> str:
    low, high = (f"{limit:g}".replace("-", "−") for limit in (way.low, way.high))
    bounds = "" if math.isinf(way.low) and math.isinf(way.high) else f" ({low} to {high})"
    return f"{1 / way.per_unit:.6f}".rstrip("0").rstrip(".") + bounds


def quantities(carries: Mapping[str, Carried], others: Carried | None) -> str:
    said = [f"`{name}` {step(way)}" for name, way in carries.items()]
    return "; ".join(said + ([f"any other {step(others)}"] if others else []))


def told(voice: Voice) -> str:
    says = quantities(voice.carries, voice.others)
    times = f"{TIMES[voice.times]}, {voice.time_step} ms"
    return f"{says} | {voice.per_message} | {times} | {voice.told}"


def lines() -> Iterator[str]:
    together: dict[str, list[str]] = {}
    for name, voice in VOICES.items():
        together.setdefault(told(voice), []).append(f"`{name}`")
    for rest, names in together.items():
        yield f"| {', '.join(names)} | {rest} |"


def test_the_page_has_each_voice_as_it_is():
    page = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines() if line not in page] == []


def test_the_page_names_readers_and_loggers():
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*READERS, *LOGGERS) if f"`{name}`" not in page] == []


def test_the_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    one = np.array([1])
    readings = Readings("a", one, one, one * 1000, {"temperature": one * 20.5})
    names = {"at": 1000, "readings": readings}
    exec(example, names)
    assert capsys.readouterr().out.startswith("[[subscriptions]]\nfilter = ")
    (message,) = names["messages"]
    assert message.topic.endswith("/event/up")


if __name__ == "__main__":
    print(*lines(), sep="\n")
