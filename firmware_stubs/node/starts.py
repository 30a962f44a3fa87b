"""The number of this start: it grows with each, and no two starts that measured have the same.

A start that was cut off while it wrote its number did not measure anything yet: the next one may
have that number, and has a higher one than all that were used.

With it is kept how many starts in a row have not delivered anything, this one included until it
does: a battery that breaks down whenever the radio is on would else start the node again and again,
and each start writes a reading over the oldest.
"""

import struct

MOST = 0xFFFF_FFFF
"""What a record has room for."""

_FORM = "<II"  # number, starts in a row without a delivery


def next_boot(kept, *others):
    """(the number to use from now on, how many starts before it did not deliver anything).

    `kept` (a `Twofold`) then has it.

    `others` are numbers that it has to be above as well: the highest in the ring, and the one from
    the provisioning, which counts where flash was erased. Raises OSError where it cannot be kept:
    then nothing may be measured under it; ValueError where there is no higher one.
    """
    value = kept.load()
    ours = value is not None and len(value) == struct.calcsize(_FORM)
    before, idle = struct.unpack(_FORM, value) if ours else (0, 0)
    boot = max(before, *others) + 1
    if boot > MOST:
        raise ValueError("the numbers of starts are used up: give the node another tag")
    kept.save(struct.pack(_FORM, boot, idle + 1))
    return boot, idle


def delivered(kept, boot):
    """The start `boot` has delivered something; raises OSError where that cannot be kept."""
    kept.save(struct.pack(_FORM, boot, 0))
