"""What every store makes of a reading: its place in time, its finite values, what none can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from lots.readings.batch import KEY_MODULUS, Floats, Ints, ReadingBatch, TagKey, of_tag
from lots.readings.store import Refused

LIMIT_MS = 9_223_372_035_999
"""Times beyond +-this, 1677 and 2262, do not fit in 64 bits of nanoseconds."""


LIMIT_VALUE = 1e290
"""No sensor means a number beyond +-this; the sum behind a mean of such would be infinite."""


def bounds(begins: int, ends: int) -> tuple[int, int]:
    """Stored times first <= ns < last of the readings with begins <= time < ends, ms.

    An open end may be any large number: it is cut to what a store can hold.
    """
    low, high = (min(max(edge, -LIMIT_MS), LIMIT_MS + 1) for edge in (begins, ends))
    return low * KEY_MODULUS, high * KEY_MODULUS


def recalled(tag: TagKey, ns: Ints, flags: Ints, values: Mapping[str, Floats]) -> ReadingBatch:
    """Readings of ``tag`` as they were written, from stored times ``ns`` (n,) and columns (n,).

    A quantity that none of them has is left out.
    """
    present = {name: column for name, column in values.items() if not np.isnan(column).all()}
    return of_tag(tag, ns // KEY_MODULUS, present, key=ns % KEY_MODULUS, flags=flags)


def storable(batch: ReadingBatch) -> tuple[ReadingBatch, Ints, list[Refused]]:
    """What a store can keep of ``batch``, the positions of that in it, and what none can take.

    A value that is infinite or beyond `LIMIT_VALUE` is absent from what is kept; so are tags and
    quantities that no reading is left of.
    """
    columns = {
        name: np.where(np.abs(column) <= LIMIT_VALUE, column, np.nan)
        for name, column in batch.values.items()
    }
    refused = _refused(batch, columns)
    positions = np.delete(np.arange(len(batch)), [bad.position for bad in refused])
    kept = {name: column[positions] for name, column in columns.items()}
    used, tag = np.unique(batch.tag[positions], return_inverse=True)
    whole = replace(
        batch.take(positions),
        tags=tuple(batch.tags[index] for index in used.tolist()),
        tag=tag.astype(np.int64),
        values={name: column for name, column in kept.items() if not np.isnan(column).all()},
    )
    return whole, positions, refused


def _refused(batch: ReadingBatch, values: Mapping[str, Floats]) -> list[Refused]:
    reasons: dict[int, str] = {}
    for name, column in values.items():
        reason = _fault("the quantity", name)
        if reason:
            reasons.update(dict.fromkeys(np.flatnonzero(~np.isnan(column)).tolist(), reason))
    for index, (tenant, tag) in enumerate(() if _sound(batch.tags) else batch.tags):
        reason = _fault("the tenant", tenant) or _fault("the tag", tag)
        if reason:
            reasons.update(dict.fromkeys(np.flatnonzero(batch.tag == index).tolist(), reason))
    beyond = np.flatnonzero((batch.time > LIMIT_MS) | (batch.time < -LIMIT_MS))
    for position in beyond.tolist():
        reasons[position] = f"the time {batch.time[position]} ms is not between 1677 and 2262"
    return [Refused(position, reason) for position, reason in sorted(reasons.items())]


def _sound(tags: Sequence[TagKey]) -> bool:
    """Whether all names of ``tags`` can be stored, as nearly always. Looked at as one text: a look
    at each took half of what is done here, where each reading is of another tag.
    """
    names = list(chain.from_iterable(tags))
    return all(names) and is_unicode("".join(names))


def is_unicode(name: str) -> bool:
    """Whether ``name`` can be written at all: a lone surrogate cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fault(what: str, name: str) -> str | None:
    if not name:
        return f"{what} has an empty name"
    if not is_unicode(name):
        return f"{what} {name!r} is not valid Unicode"
    return None
