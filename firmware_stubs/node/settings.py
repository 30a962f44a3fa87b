"""What can be changed from afar, by a retained message on …/commands, within bounds.

A command is a JSON object with any of the names below. What is good in it is taken and kept over
power cuts, the rest is refused with a reason; a command that comes again changes nothing.
"""

import json

from node.native import plain

BOUNDS = {
    "interval": (300, 10, 86_400),  # s, between two measurements
    "batch": (1, 1, 288),  # measurements from one sending to the next
    "answer_wait": (5, 1, 30),  # s, for an acknowledgement; well under the watchdog's 60
    "retry_most": (3_600, 30, 86_400),  # s, between two tries to send, at most
    "sync": (3_600, 600, 864_000),  # s, between two looks at the time server
    "capacity": (3_000, 100, 60_000),  # mAh, of a fresh battery
}
"""name -> default, lowest, highest; all whole numbers. The bounds are design choices."""

MOST_BYTES = 512
"""Of a command: what is longer is refused unread."""

_MOST_TOLD = 160
"""Characters of what is told of a command that was refused: it outlives sleep in a small memory."""


class Settings:
    """`kept` is a `Twofold`; what it does not have, or not within bounds, is the default."""

    def __init__(self, kept):
        self._kept = kept
        self._values = {name: default for name, (default, _, _) in BOUNDS.items()}
        self.refused = None
        """What of the last command was not taken, and why, until that was told; else None."""
        accepted, _ = judged(kept.load() or b"{}")
        self._values.update(accepted)

    def __getitem__(self, name):
        return self._values[name]

    def take(self, command):
        """Follow a command; None is one that was too long to be taken in.

        Where flash does not keep it nothing changes, and that is told as well.
        """
        accepted, self.refused = judged(command)
        values = dict(self._values)
        values.update(accepted)
        if values == self._values:
            return
        try:
            self._kept.save(json.dumps(values).encode())
            self._values = values
        except OSError:
            self.refused = "flash did not keep the settings: send them again"


def judged(command):
    """(name -> value of what is good in a command, what is wrong with the rest or None)."""
    if command is None or len(command) > MOST_BYTES:
        return {}, "a command that is too long: send %d bytes at most" % MOST_BYTES
    try:
        found = json.loads(command)
    except ValueError:
        return {}, "a command that is no JSON"
    if not isinstance(found, dict):
        return {}, "a command that is no object"
    accepted, wrong = {}, []
    for name in sorted(found, key=str):  # MicroPython takes {1: 2} for JSON
        value = found[name]
        if name not in BOUNDS:
            wrong.append("%s: not known" % plain(str(name)[:24]))
            continue
        _, low, high = BOUNDS[name]
        if type(value) is not int or not low <= value <= high:
            wrong.append("%s: send a whole number from %d to %d" % (name, low, high))
        else:
            accepted[name] = value
    return accepted, "; ".join(wrong)[:_MOST_TOLD] or None
