"""Whether two sets of rollups say the same."""

from __future__ import annotations

import numpy as np

from lots.readings.store import Rollups


def assert_alike(found: Rollups, wanted: Rollups) -> None:
    """In whole numbers and extremes to the bit; means as sums in another order may differ."""
    assert found.statistics.start.tolist() == wanted.statistics.start.tolist()
    for name in ("covered", "wet", "dry", "heard"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), name)
    some = {name for name, count in wanted.statistics.count.items() if count.any()}
    assert {name for name, count in found.statistics.count.items() if count.any()} == some
    for name in some:
        for which in ("count", "low", "high"):
            one, other = (getattr(each.statistics, which)[name] for each in (found, wanted))
            np.testing.assert_array_equal(one, other, f"{which} of {name}")
        np.testing.assert_allclose(
            found.statistics.mean[name], wanted.statistics.mean[name], rtol=1e-12
        )
