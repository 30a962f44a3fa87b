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
    """Cut anyhow, late, twice; facts wrong at first; a store that lags; a worker that is killed.

    Silences are those of the journal, told once, where the facts were right when it was told and
    the worker knew of the lot all the time; else those that stand once the lot was heard again.
    """
    chance = np.random.default_rng(seed)
    said = lives.readings(chance, int(chance.integers(1, 90)))
    entries = lives.heard(chance, said)
    with tempfile.TemporaryDirectory() as folder:
        life = Life(house, Path(folder), int(chance.integers(FACTS)))
        sound = bool(chance.random() < 0.5)
        if sound:
            _settled(life)
            life.evaluator.save()
        while entries:
            many = int(chance.integers(1, len(entries) + 1))
            life.hear(entries[:many])
            entries = entries[many:]
            _something_happens(chance, life, sound)
        _settled(life)
        expected, alerts = life.in_order(said)
        assert life.evaluator.engine.dirty == {}
        assert life.alerts() == alerts
        assert head(life.evaluator.engine) == head(expected)
        life.hear(lives.afterwards())
        life.evaluator.commit()
        silences, expected_ones = life.silences(), life.listened()
        assert _lasting(silences) == _lasting(expected_ones)
        if sound:
            assert silences == expected_ones
        life.close()
    event(f"alerts: {min(len(alerts), 8)}")
    event(f"rises and falls: {min(sum(len(stages) - 1 for *_, stages in alerts), 8)}")
    event(f"silences: {min(len(silences), 8)}")


def _settled(life):
    life.correct(life.true)
    life.keep()
    life.settle(4)
    life.evaluator.commit()  # as the worker does after each entry and settling


def _lasting(silences):
    return [(rule, opened) for rule, opened, cleared in silences if cleared is None]


def _something_happens(chance, life, sound):
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
            case 5 if not sound:
                true = life.true
                life.correct(true if chance.random() < 0.5 else lives.mistaken(chance, true))
