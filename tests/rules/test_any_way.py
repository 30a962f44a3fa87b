"""A lot's life, told any way: the same state and the same alerts as told once and in order.

On a real registry and store. A failing example is told with its ``seed``, from which all of it
follows.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.rules import lives
from tests.rules.lives import Life, head

EXAMPLES = 1_000
FACTS = 32
"""Sets of dated facts, true ones and what is said first."""

seeds = st.integers(0, 2**32 - 1)
any_way = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=False,
    print_blob=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a seed has no simpler one
    suppress_health_check=(HealthCheck.function_scoped_fixture,),
)


@pytest.fixture(scope="module")
def house():
    with lives.house() as found:
        yield found


@any_way
@given(seeds)
def test_any_way_ends_in_the_same_state_and_alerts(house, seed):
    """Cut anyhow, late, twice; facts wrong at first; a store that lags; a worker that is killed."""
    chance = np.random.default_rng(seed)
    said = lives.readings(chance, int(chance.integers(1, 90)))
    batches = lives.deliveries(chance, said)
    with tempfile.TemporaryDirectory() as folder:
        life = Life(house, Path(folder), int(chance.integers(FACTS)))
        while batches:
            many = int(chance.integers(1, len(batches) + 1))
            life.hear(batches[:many])
            batches = batches[many:]
            _something_happens(chance, life)
        life.correct(life.true)
        life.keep()
        life.settle(4)
        life.evaluator.commit()  # as the worker does after each batch and settling
        expected, net = life.in_order(said)
        assert life.evaluator.engine.dirty == {}
        assert life.alerts() == [(*one, "warning") for one in net]
        assert head(life.evaluator.engine) == head(expected)
        life.close()
    event(f"alerts: {min(len(net), 8)}")


def _something_happens(chance, life):
    for what in chance.permutation(6)[: chance.integers(0, 4)].tolist():
        match what:
            case 0:
                life.evaluator.commit()
            case 1:
                life.evaluator.save()
            case 2:
                life.start()  # killed
            case 3:
                life.keep()
            case 4:
                life.settle(int(chance.integers(1, 3)))
            case 5:
                true = life.true
                life.correct(true if chance.random() < 0.5 else lives.mistaken(chance, true))
