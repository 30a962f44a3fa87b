"""A hundred thousand tags from one process: native readings by the ten thousand a second.

``play(Fleet(tags=100_000), "mqtt://127.0.0.1:1883", messages=1_000_000)`` publishes as fast as the
broker acknowledges, over a few connections; ``python -m simulators.fast_fleet --help`` is the same
from a shell. Message n of a fleet is the same for a seed on every machine.
"""

from simulators.fast_fleet.fleet import Fleet
from simulators.fast_fleet.playing import CONNECTIONS, WINDOW, Played, Progress, play

__all__ = ["CONNECTIONS", "WINDOW", "Fleet", "Played", "Progress", "play"]
