"""Whatever may come: for the property that every decoder has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ingest.formats import Memory, Route, decode
from ingest.message import Message
from lots.clock import DAY_MS

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["21.4", "2025-11-21T23:00:00Z", "NaN"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def objects(names: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with fields of these names, and anything in them."""
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=4), values, max_size=8)


def as_json(content: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return content.map(lambda each: json.dumps(each).encode())


def require_sane(entry: Sequence[Message], route: Route, apart: bool = True) -> None:
    """Nothing raised, each message told once at most, what is kept is of a possible time.

    ``apart``: what a message says does not depend on its neighbours.
    """
    decoded = decode(entry, [route], Memory())
    positions = [each.position for each in decoded.rejected]
    assert positions == sorted(set(positions))
    assert all(each.reason and each.reason.isprintable() for each in decoded.rejected)
    batch = decoded.batch
    received = batch.received
    assert np.all((batch.time >= received - 400 * DAY_MS) & (batch.time <= received + DAY_MS))
    assert not any(np.isinf(column).any() for column in batch.values.values())
    tenants = {tag.tenant for tag in batch.tags} | {each.tenant for each in decoded.rejected}
    assert tenants <= {route.row.tenant}
    if apart:
        alone = [decode([one], [route], Memory()) for one in entry]
        assert sum(len(each.batch) for each in alone) == len(batch)
        assert [n for n, each in enumerate(alone) if each.rejected] == positions
