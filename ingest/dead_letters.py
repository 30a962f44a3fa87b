"""What could not be used, as it came and why: one row each, however often it is written."""

from __future__ import annotations

import msgspec
import numpy as np

from ingest.formats import Rejected
from ingest.journal import Entry
from lots.model import DeadLetter
from lots.readings.batch import ReadingBatch


def of_message(journal: str, entry: Entry, rejected: Rejected) -> DeadLetter:
    """A message that its format refused."""
    message = entry.messages[rejected.position]
    return DeadLetter(
        id=f"{journal}:{entry.offset}:{rejected.position}",
        tenant=rejected.tenant,
        topic=message.topic,
        payload=message.payload,
        reason=f"{rejected.kind}: {rejected.reason}",
        received=message.received,
    )


def of_reading(
    journal: str, entry: Entry, batch: ReadingBatch, row: int, reason: str
) -> DeadLetter:
    """A single reading that cannot be kept, written as a message that says the same."""
    tag = batch.tags[batch.tag[row]]
    values = {
        name: float(column[row])
        for name, column in batch.values.items()
        if not np.isnan(column[row])
    }
    counters = {"boot": int(batch.boot[row]), "seq": int(batch.seq[row])}
    counted = {name: count for name, count in counters.items() if count >= 0}
    return DeadLetter(
        id=f"{journal}:{entry.offset}:r{row}",
        tenant=tag.tenant,
        topic=f"dunnage/v1/{tag.tenant}/{tag.tag}/readings",
        payload=msgspec.json.encode({"t": int(batch.time[row])} | counted | values),
        reason=f"refused: {reason}",
        received=int(batch.received[row]),
    )
