"""What could not be used, as it came and why: one row each, however often it is written."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
import numpy as np
from sqlalchemy import delete
from sqlalchemy.orm import Session

from ingest.formats import Decoded
from ingest.journal import Entry
from lots import left_over
from lots.left_over import Letter
from lots.model import DeadLetter
from lots.readings.batch import ReadingBatch


class DeadLetters:
    """Those of one journal that are not written yet."""

    def __init__(self, journal: str) -> None:
        self._journal = journal
        self._waiting: list[Letter] = []
        self.written = 0

    def take(self, entry: Entry, decoded: Decoded) -> None:
        """Messages that their formats refused."""
        for rejected in decoded.rejected:
            message = entry.messages[rejected.position]
            offset, position = entry.place(rejected.position)
            letter = Letter(
                id=f"{self._journal}:{offset}:{position}",
                tenant=rejected.tenant,
                topic=message.topic,
                payload=message.payload,
                reason=f"{rejected.kind}: {rejected.reason}",
                received=message.received,
            )
            self._waiting.append(letter)

    def refuse(self, batch: ReadingBatch, row: int, reason: str) -> None:
        """A single reading that cannot be kept, written as a message that says the same."""
        tag = batch.tags[batch.tag[row]]
        values = {
            name: float(column[row])
            for name, column in batch.values.items()
            if not np.isnan(column[row])
        }
        counters = {"boot": int(batch.boot[row]), "seq": int(batch.seq[row])}
        counted = {name: count for name, count in counters.items() if count >= 0}
        identity = f"{tag.tenant}/{tag.tag}/{int(batch.time[row])}/{int(batch.key[row])}"
        letter = Letter(
            id=f"reading:{blake2b(identity.encode(), digest_size=16).hexdigest()}",
            tenant=tag.tenant,
            topic=f"dunnage/v1/{tag.tenant}/{tag.tag}/readings",
            payload=msgspec.json.encode({"t": int(batch.time[row])} | counted | values),
            reason=f"refused: {reason}",
            received=int(batch.received[row]),
        )
        self._waiting.append(letter)

    def write(self, session: Session) -> None:
        left_over.keep(session, self._waiting)

    def clear(self) -> None:
        self.written += len(self._waiting)
        self._waiting.clear()

    def expire(self, session: Session, before: int) -> None:
        session.execute(delete(DeadLetter).where(DeadLetter.received < before))
