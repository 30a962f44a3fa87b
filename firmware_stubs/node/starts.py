"""The number of this start: it grows with each, and no two starts that measured have the same.

A start that was cut off while it wrote its number did not measure anything yet: the next one may
have that number, and has a higher one than all that were used.
"""

import struct


def next_boot(kept, *others):
    """The number to use from now on, which `kept` (a `Twofold`) then has.

    `others` are numbers that it has to be above as well: the highest in the ring, and the one from
    the provisioning, which counts where flash was erased. Raises OSError where it cannot be kept:
    then nothing may be measured under it.
    """
    value = kept.load()
    (before,) = struct.unpack("<I", value) if value and len(value) == 4 else (0,)
    boot = max(before, *others) + 1
    kept.save(struct.pack("<I", boot))
    return boot
