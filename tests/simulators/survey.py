"""``python -m tests.simulators.survey [SEEDS [JOURNEY …]]``: what comes of each journey, how often.

A row a journey: seconds for one seed, the share of seeds with its own harm, and with each event.
"""

import sys
import time
from collections import Counter

from simulators.journey import library, named
from simulators.world import World

HARMS = {
    "sweat": lambda e: e.kind == "film" and e.cause == "sweat",
    "wet": lambda e: e.kind == "film" and e.cause in ("rain", "drip"),
    "frost": lambda e: e.kind == "frost",
    "mould": lambda e: e.kind == "mould",
    "heating": lambda e: e.kind == "heating",
    "hot_damp": lambda e: e.kind == "hot_damp",
    "damp": lambda e: e.kind == "damp",
}


def told(event):
    """The event's kind, and a film's cause."""
    return event.cause if event.kind == "film" else event.kind


def main(seeds=20, *keys):
    print("journey | harm | seconds | seeds with it | seeds with each")
    for key in keys or library():
        journey, begun = named(key), time.perf_counter()
        counted, hit = Counter(), 0
        for seed in range(int(seeds)):
            world = World(journey, seed)
            events = [event for lot in world.lots for event in world.events(lot.key)]
            counted.update({told(event) for event in events})
            hit += any(HARMS[journey.harm](e) for e in events) if journey.harm in HARMS else 0
        seconds = (time.perf_counter() - begun) / int(seeds)
        each = ", ".join(f"{kind} {count}" for kind, count in sorted(counted.items()))
        print(f"{key} | {journey.harm} | {seconds:.2f} | {hit}/{seeds} | {each}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
