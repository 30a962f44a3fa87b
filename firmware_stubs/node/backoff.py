"""How long to wait after failing: longer each time, and not all nodes at once."""


def delay_ms(failures, base_ms, most_ms, random16):
    """After so many `failures` in a row (1 or more): doubling from `base_ms` to `most_ms`.

    `random16`, 0 to 65535, takes up to half of it off, so that the nodes of a store whose broker
    was away do not come back together.
    """
    whole = most_ms if failures > 30 else min(most_ms, base_ms << (failures - 1))
    return whole - (whole // 2) * random16 // 65_536
