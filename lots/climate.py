"""The climate a lot was in: its tags' readings, corrected and believed, in order of time.

Readings are kept raw. A calibration's correction is applied here, on the way to whoever uses them,
so that a certificate which arrives late rewrites no history.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from lots.clock import HOUR_MS
from lots.readings.batch import Bools, Floats, Ints, ReadingBatch, TagKey
from lots.readings.store import ReadingHistory
from lots.terms import Placement
from lots.whereabouts import Source

WINDOW_MS = 72 * HOUR_MS
"""No query asks a store for more raw data of a tag than this at once."""

QUANTITIES = ("temperature", "humidity", "probe")
"""What the rules judge by."""

MAX_GAP_H = 3.0
"""Past this many hours without a sample, what happened meanwhile is unknown. [D]"""

WET_HUMIDITY = 80.0
"""%RH: a surface is wet while the air is more humid than this and above 0 degC (ISO 9223)."""

PLACEMENTS = tuple(Placement)
CODES = {placement.value: code for code, placement in enumerate(PLACEMENTS)}
"""placement -> its code in `Samples.placement`."""


class LotKey(NamedTuple):
    tenant: str
    lot: str


class Adjustment(NamedTuple):
    """A calibration's finding: true = gain x raw + offset, from ``begins`` (ms) to the next's."""

    begins: int
    gain: float
    offset: float


Corrections = Mapping[str, Sequence[Adjustment]]
"""quantity -> its adjustments by ``begins``."""


@dataclass(frozen=True, slots=True, eq=False)
class Chosen(Sequence[LotKey]):
    """Those of ``whole``, a list that stays as it is, that have these ``numbers`` in it.

    Who keeps something by these numbers need not look lots up by their names.
    """

    whole: Sequence[LotKey]
    numbers: Ints

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, at: int) -> LotKey: ...

    @overload
    def __getitem__(self, at: slice) -> Chosen: ...

    def __getitem__(self, at: int | slice) -> LotKey | Chosen:
        found = self.numbers[at]
        return Chosen(self.whole, found) if isinstance(at, slice) else self.whole[int(found)]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What the tags of one lot measured: columns of one length n, in order of time.

    ``time`` ms; ``identity`` (n,) tells two samples of one time apart and a repeat from a new one;
    ``placement`` (n,) see `CODES`; ``temperature``, ``probe`` degC; ``humidity`` %RH; NaN: not
    measured.
    """

    time: Ints
    identity: Ints
    placement: Ints
    temperature: Floats
    humidity: Floats
    probe: Floats

    def __len__(self) -> int:
        return len(self.time)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Samples:
        return Samples(*(getattr(self, name)[index] for name in self.__slots__))

    def ordered(self) -> Samples:
        """By time; at one time the order is fixed too, so that it never matters how they came."""
        return self.take(np.lexsort((self.identity, self.placement, self.time)))


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """Samples by the lots that they are of.

    ``lots`` (m,) distinct; the samples of lots[i] are samples[starts[i]:starts[i + 1]], `ordered`.
    """

    lots: Sequence[LotKey]
    starts: Ints
    samples: Samples

    def __len__(self) -> int:
        """How many lots."""
        return len(self.lots)

    def at(self, position: int) -> Bound:
        """One lot's alone."""
        part = slice(int(self.starts[position]), int(self.starts[position + 1]))
        samples = self.samples.take(part)
        return Bound((self.lots[position],), np.asarray([0, len(samples)]), samples)

    def by_lot(self) -> dict[LotKey, Samples]:
        """The same as a table."""
        return {lot: self.at(position).samples for position, lot in enumerate(self.lots)}


def together(parts: Mapping[LotKey, Samples]) -> Bound:
    """``parts``, `ordered` each, as one."""
    starts = np.cumsum([0, *map(len, parts.values())])
    return Bound(tuple(parts), starts, join(list(parts.values())))


def no_samples() -> Samples:
    whole, real = np.empty(0, np.int64), np.empty(0)
    return Samples(whole, whole, whole, real, real, real)


def join(parts: Sequence[Samples]) -> Samples:
    """All of ``parts`` in their order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_samples()
    return Samples(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Samples.__slots__)
    )


def arranged(lot: Ints, samples: Samples) -> NDArray[np.intp]:
    """The order of ``samples`` by ``lot`` (n,), and within a lot as `Samples.ordered` has it."""
    order = np.argsort(lot, kind="stable")
    by_lot, time = lot[order], samples.time[order]
    # A lot's samples mostly come in order, and sorting by four columns takes as long as the fold.
    if ((by_lot[1:] == by_lot[:-1]) & (time[1:] <= time[:-1])).any():
        return np.lexsort((samples.identity, samples.placement, samples.time, lot))
    return order


def samples(
    batch: ReadingBatch,
    placement: str,
    index: NDArray[np.intp],
    corrections: Mapping[TagKey, Corrections],
) -> Samples:
    """The readings of ``batch``, `corrected` by ``corrections``, at ``index`` as a lot's samples,
    as they came."""
    # One lot's tags may share a time and key: the tag's name goes into the identity. A batch has
    # hundreds of tags, of which a lot's are a few.
    tags, place = np.unique(batch.tag[index], return_inverse=True)
    salts = np.asarray([salt(batch.tags[tag]) for tag in tags], np.int64)
    found = calibrations([corrections.get(batch.tags[tag], {}) for tag in tags])
    return Samples(
        time=batch.time[index],
        identity=batch.key[index] ^ salts[place] ^ calibrated(found, place, batch.time[index]),
        placement=np.full(len(index), CODES[placement], np.int64),
        temperature=batch.value("temperature")[index],
        humidity=batch.value("humidity")[index],
        probe=batch.value("probe")[index],
    )


def believed(batch: ReadingBatch) -> Bools:
    """(n,) readings that tell something of a climate, and are to be believed.

    A keep-alive, with a battery's voltage and nothing else, is no reading: a tag that sends only
    such is silent.
    """
    columns = [batch.value(name) for name in ("temperature", "humidity", "probe")]
    return ~batch.doubtful & ~np.isnan(columns).all(axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """One quantity's adjustments of m tags: those of tag i are [starts[i], starts[i + 1])."""

    starts: Ints
    begins: Ints
    gains: Floats
    offsets: Floats

    def begun(self, tag: Ints, time: Ints) -> Ints:
        """(n,) how many adjustments of the tags numbered ``tag`` had begun at ``time`` ms."""
        counts = self.starts[tag + 1] - self.starts[tag]
        some = np.flatnonzero(counts)
        found = np.zeros(len(tag), np.int64)
        for number in range(int(counts.max(initial=0))):
            at = (self.starts[tag[some]] + number).clip(max=len(self.begins) - 1)
            found[some] += (number < counts[some]) & (self.begins[at] <= time[some])
        return found

    def apply(self, values: Floats, tag: Ints, time: Ints) -> None:
        """Correct ``values`` (n,) in place, of the tags numbered ``tag`` at ``time`` ms."""
        begun = self.begun(tag, time)
        some = np.flatnonzero(begun)
        which = self.starts[tag[some]] + begun[some] - 1
        values[some] = self.gains[which] * values[some] + self.offsets[which]


def calibrated(found: Mapping[str, Calibration], tag: Ints, time: Ints) -> Ints:
    """(n,) what the calibrations that ``found`` tags numbered ``tag`` at ``time`` add to the
    identity of their samples: so many as there were, in the bits above the tag's number."""
    begun = np.zeros(len(tag), np.int64)
    for each in found.values():
        begun += each.begun(tag, time)
    return begun % _CALIBRATIONS << (_KEY_BITS + TAG_BITS)


def calibrations(corrections: Sequence[Corrections]) -> dict[str, Calibration]:
    """quantity -> its `Calibration`, of tags numbered as ``corrections``."""
    found = {}
    for quantity in sorted({name for each in corrections for name in each}):
        of_tags = [each.get(quantity, ()) for each in corrections]
        rows = [(one.begins, one.gain, one.offset) for of in of_tags for one in of]
        begins, gains, offsets = zip(*rows, strict=True) if rows else ((), (), ())
        found[quantity] = Calibration(
            np.cumsum([0, *map(len, of_tags)]),
            np.asarray(begins, np.int64),
            np.asarray(gains, np.float64),
            np.asarray(offsets, np.float64),
        )
    return found


def corrected(batch: ReadingBatch, corrections: Mapping[TagKey, Corrections]) -> ReadingBatch:
    """``batch`` with each tag's corrections applied by the readings' own times."""
    values = dict(batch.values)
    found = calibrations([corrections.get(tag, {}) for tag in batch.tags])
    for quantity in found.keys() & values.keys():
        values[quantity] = values[quantity].copy()
        found[quantity].apply(values[quantity], batch.tag, batch.time)
    return replace(batch, values=values)


def of_lot(
    store: ReadingHistory,
    key: LotKey,
    sources: Sequence[Source],
    corrections: Mapping[TagKey, Corrections],
    begins: int,
    ends: int,
) -> Iterator[Samples]:
    """Samples of a lot with begins <= time < ends, a window at a time, in order throughout.

    Each window up to ``ends`` is asked for, so let that be no later than readings can be. Raises
    what ``store`` raises.
    """
    first_of_all = max(begins, min((source.begins for source in sources), default=ends))
    last_of_all = min(ends, max((source.ends for source in sources), default=begins))
    for start in range(first_of_all, last_of_all, WINDOW_MS):
        stop = min(start + WINDOW_MS, last_of_all)
        parts = []
        for source in sources:
            first, last = max(start, source.begins), min(stop, source.ends)
            if first >= last:
                continue
            batch = store.window(TagKey(key.tenant, source.tag), first, last, QUANTITIES)
            index = np.flatnonzero(believed(batch))
            true = corrected(batch, corrections)
            parts.append(samples(true, source.placement, index, corrections))
        found = join(parts)
        if len(found):
            yield found.ordered()


_KEY_BITS = 20  # a reading's key in its samples' identity; above them its tag's number
TAG_BITS = 33
"""Of a `tag_number`; above them is how often the tag had been calibrated."""
_CALIBRATIONS = 1 << 9


def salt(tag: TagKey) -> int:
    """What a tag's name adds to the identity of its samples: `tag_number` above the keys' bits."""
    return tag_number(tag) << _KEY_BITS


def tag_number(tag: TagKey) -> int:
    """Of a tag among those of a lot: from 1 to 2**32, the same in every process."""
    return zlib.crc32(tag.tag.encode()) + 1


def tag_numbers(samples: Samples) -> Ints:
    """(n,) the `tag_number` of who took each sample, and above its `TAG_BITS` how often that had
    been calibrated."""
    return np.asarray(samples.identity >> _KEY_BITS)
