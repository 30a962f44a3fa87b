"""Many lots folded together are each what it is alone: same states, numbers and alerts."""

import math
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lots.climate import CODES, LotKey, Samples, join, together
from lots.clock import HOUR_MS
from lots.terms import FORMS
from rules import snapshot
from rules.engine import EACH, SAMPLES, WINDOW_MS, Engine
from rules.kernels import FAR
from rules.pack import load
from rules.part import PORTION
from rules.state import Limits, LotFacts
from rules.window import LEAST, Window
from tests.rules.timeline import START, Record, at, said

RULES = load()
KINDS = [(commodity, form) for commodity, forms in FORMS.items() for form in forms]
STEPS_MIN = (0, 0, 5, 15, 60, 60, 150, 240)
PLACES = tuple(CODES)


def lots(chance, count):
    """Lots of any kind, with and without terms of their own."""
    found = {}
    for number in range(count):
        commodity, form = KINDS[chance.integers(len(KINDS))]
        found[LotKey("acme", f"L{number}")] = LotFacts(
            "acme",
            f"L{number}",
            commodity,
            form,
            time_constant_h=chance.choice([None, 0.5, 9.0]),
            limits=Limits(temperature_max=25.0) if chance.random() < 0.5 else Limits(),
            watched=((START, START + 10**12),),
        )
    return found


def history(chance, n):
    """``n`` samples of the tags of a lot, in order of time, with gaps and things unknown."""
    time = START + 60_000 * np.cumsum(chance.choice(STEPS_MIN, n))
    place = chance.integers(0, len(PLACES), n) * (chance.random(n) < 0.3)
    course = np.arange(n) / 5
    unknown = chance.choice([math.nan, 1, 1, 1, 1], (2, n))
    return Samples(
        time,
        (place << 20) + np.arange(n),
        place,
        unknown[0] * (chance.choice([5, 20, 38]) + 8 * np.sin(course) + chance.normal(0, 3, n)),
        unknown[1] * np.clip(75 + 20 * np.cos(course) + chance.normal(0, 8, n), 1, 101),
        np.where(chance.random(n) < 0.1, chance.uniform(0, 30, n), math.nan),
    ).ordered()


def delivered(chance, samples, latest_h):
    """``samples`` in batches as they come: up to ``latest_h`` late, a fifth of them twice."""
    n = len(samples)
    come = np.concatenate((np.arange(n), np.flatnonzero(chance.random(n) < 0.2)))
    late = chance.uniform(0, latest_h, len(come)) * chance.integers(0, 2, len(come))
    order = come[np.argsort(samples.time[come] + late * HOUR_MS, kind="stable")]
    edges = [0, *np.flatnonzero(chance.random(len(order)) < 0.2).tolist(), len(order)]
    return [samples.take(order[a:b]).ordered() for a, b in pairwise(edges) if a < b]


def windows(samples):
    """``samples`` as a store gives them: by windows, none of which splits a time."""
    edges = np.searchsorted(samples.time, [at(hour) for hour in range(0, 500, 20)])
    return [samples.take(slice(a, b)) for a, b in pairwise(edges) if a < b]


def everything(of, key):
    states = of.table.head.take(of.table.rows_of([key]))
    return repr((*(column.tolist() for column in states.columns()), of.known([key])))


def told(changes, records):
    for change in changes:
        records[change.key].take([change])


def assert_as_alone(of, records, facts, pasts):
    """Each lot's state and record are as one ordered pass over its own samples makes them."""
    for key, samples in pasts.items():
        alone, record = Engine(RULES), Record()
        alone.know({key: facts[key]})
        record.take(alone.evaluate(together({key: samples})))
        assert everything(of, key) == everything(alone, key)
        assert records[key].net() == record.net()


@settings(max_examples=60, deadline=None, derandomize=False, print_blob=True)
@given(
    st.integers(1, 6),
    st.integers(1, 40),
    st.sampled_from([0.0, 5.9, 60.0]),
    st.sampled_from([1, 50, SAMPLES]),
    st.integers(0, 2**32),
)
def test_a_lot_among_others_is_as_it_is_alone(count, size, latest_h, bound, seed):
    """However their readings are mixed into batches, repeated, and late; some by days."""
    chance = np.random.default_rng(seed)
    facts = lots(chance, count)
    pasts = {key: history(chance, size) for key in facts}
    coming = {key: delivered(chance, samples, latest_h) for key, samples in pasts.items()}
    of, records = Engine(RULES, bound), {key: Record() for key in facts}
    of.know(facts)
    while any(coming.values()):
        speaks = [key for key, rest in coming.items() if rest and chance.random() < 0.7]
        told(of.evaluate(together({key: coming[key].pop(0) for key in speaks})), records)
    event(f"dirty: {min(len(of.dirty), 2)}")
    told(
        [of.refold(key, since, windows(pasts[key])) for key, since in list(of.dirty.items())],
        records,
    )
    assert_as_alone(of, records, facts, pasts)


def test_more_samples_than_are_folded_at_once_are_as_they_are_alone():
    chance = np.random.default_rng(4)
    facts = lots(chance, 6)
    sizes = (PORTION // 2, PORTION // 2, 1, PORTION + 1, 3, PORTION // 2)
    pasts = {key: history(chance, size) for key, size in zip(facts, sizes, strict=True)}
    of, records = Engine(RULES), {key: Record() for key in facts}
    of.know(facts)
    told(of.evaluate(together(pasts)), records)
    assert_as_alone(of, records, facts, pasts)


def test_a_batch_that_cannot_be_folded_changes_nothing(monkeypatch):
    """L0 goes on, L1 has to be put in order and fails: nothing is half done, nothing is lost."""
    facts = lots(np.random.default_rng(0), 2)
    one, two = facts
    of = Engine(RULES)
    of.know(facts)
    # Hot and damp is told after two hours: of L1 at 3 h, of L0 not yet.
    rows = said((0, 20.0, 50.0), (3, 45.0, 70.0)), said((0, 45.0, 70.0), (3, 45.0, 70.0))
    of.evaluate(together(dict(zip(facts, rows, strict=True))))
    before = [everything(of, key) for key in facts], of.table.window.live, of.take_changed()
    batch = together({one: said((5, 45.0, 70.0)), two: said((1, 20.0, 50.0), tag=2)})

    def fails(part, states):
        real(part, states)
        if of.table.rows[two] in part.rows:
            raise MemoryError
        return {}

    real = of._fold
    monkeypatch.setattr(of, "_fold", fails)
    with pytest.raises(MemoryError):
        of.evaluate(batch)
    assert ([everything(of, key) for key in facts], of.table.window.live) == before[:2]
    assert of.take_changed() == []
    monkeypatch.undo()
    assert {change.key for change in of.evaluate(batch)} == {one, two}


def test_the_last_to_be_shown_is_the_first_next_time():
    facts = lots(np.random.default_rng(0), 5)
    of = Engine(RULES)
    of.know(facts)
    seen = []
    for hour in range(5):
        of.evaluate(together(dict.fromkeys(facts, said((hour, 20.0, 50.0)))))
        seen += of.take_changed(2)
    assert sorted(seen) == sorted([*facts] * 2)


# The window.


def test_the_window_keeps_what_each_lot_has_however_it_is_tidied():
    chance = np.random.default_rng(4)
    window, kept = Window(), {row: [] for row in range(8)}
    window.resize(8)
    for step in range(400):
        rows = np.flatnonzero(chance.random(8) < 0.5)
        parts = [
            said(*((step + i / 9, 1.0, 1.0) for i in range(chance.integers(1, 9)))) for _ in rows
        ]
        starts = np.cumsum([0, *map(len, parts)])
        replaced = chance.random() < 0.1
        (window.replace if replaced else window.append)(rows, starts, join(parts))
        for row, part in zip(rows.tolist(), parts, strict=True):
            kept[row] = (not replaced) * kept[row] + part.time.tolist()
        if chance.random() < 0.3:
            edge = at(step - chance.integers(0, 20))
            later = [sum(time > edge for time in kept[row]) for row in rows.tolist()]
            edges = np.full(len(rows), edge)
            assert window.newer(rows, edges).tolist() == later
            window.cut(rows, edges)
            for row in rows.tolist():
                kept[row] = [time for time in kept[row] if time > edge]
    samples, starts = window.gather(np.arange(8))
    for row in range(8):
        assert samples.time[starts[row] : starts[row + 1]].tolist() == kept[row]
        assert window.oldest[row] == min(kept[row], default=FAR)
    assert window.live == len(samples) == sum(map(len, kept.values()))


def test_what_lots_let_go_of_does_not_stay_in_memory():
    """Three lots' hundred days at a minute, of which the last 6 to 12 hours stay."""
    facts = lots(np.random.default_rng(1), 3)
    of = Engine(RULES)
    of.know(facts)
    minutes = np.arange(1440) / 60
    for day in range(100):
        part = said(*((24 * day + hour, 20.0, 50.0) for hour in minutes))
        of.evaluate(together(dict.fromkeys(facts, part)))
        assert of.table.window.live <= 3 * 2 * WINDOW_MS // 60_000
    assert of.table.window.room <= 4 * 3 * 1440 + LEAST


def flood(of, facts, batches, each, step_s=0.2, start_h=0.0):
    """All lots say the same, ``each`` samples in each of ``batches``; the most that was kept."""
    most = 0
    for number in range(batches):
        times = start_h + (number * each + np.arange(each)) * step_s / 3600
        part = said(*((hour, 20.0, 50.0 + 45 * math.sin(hour * 60)) for hour in times))
        of.evaluate(together(dict.fromkeys(facts, part)))
        most = max(most, of.table.window.live)
    return most


def counts(of, facts):
    """How many samples each lot keeps."""
    _, starts = of.table.window.gather(of.table.rows_of(list(facts)))
    return np.diff(starts).tolist()


@pytest.mark.parametrize(("count", "each"), [(1, 400), (4, 100), (200, 2)])
def test_a_flood_does_not_take_more_memory_than_is_meant_for_it(count, each):
    """Of one lot or of many: 20 000 samples within an hour at most, of which 2 000 may stay."""
    facts = lots(np.random.default_rng(2), count)
    of, free = Engine(RULES, 2_000), Engine(RULES)
    for engine in (of, free):
        engine.know(facts)
    assert 2_000 * 3 // 4 <= flood(of, facts, 50, each) <= 2_000
    assert flood(free, facts, 50, each) == 20_000
    assert of.table.window.room <= 2_000 * 3 // 2 + LEAST
    assert of.dirty == {}
    assert [everything(of, key) for key in facts] == [everything(free, key) for key in facts]


def test_those_that_have_most_let_go_and_the_others_keep_theirs():
    loud, *calm = facts = lots(np.random.default_rng(3), 5)
    of = Engine(RULES, 1_000)
    of.know(facts)
    flood(of, calm, 10, 5)
    flood(of, [loud], 30, 100)
    kept = dict(zip(facts, counts(of, facts), strict=True))
    assert [kept[key] for key in calm] == [50] * 4
    assert 300 <= kept[loud] <= 800


def test_of_very_many_lots_each_keeps_a_few_samples():
    facts = lots(np.random.default_rng(5), 300)
    of = Engine(RULES, 100)
    of.know(facts)
    assert flood(of, facts, 20, 1) <= EACH * 300
    assert min(counts(of, facts)) >= EACH // 2


def test_nor_is_any_of_them_folded_a_second_time():
    facts, folded = lots(np.random.default_rng(5), 300), []
    of, free = Engine(RULES, 100), Engine(RULES)
    for engine in (of, free):
        engine.know(facts)
    real = of._fold
    of._fold = lambda part, states: folded.append(len(part.samples)) or real(part, states)
    for start_h in range(20):  # some at a time, as they come
        for part in range(0, 300, 50):
            some = list(facts)[part : part + 50]
            for engine in (of, free):
                flood(engine, some, 1, 1, start_h=start_h)
    assert sum(folded) == 20 * 300
    assert [everything(of, key) for key in facts] == [everything(free, key) for key in facts]
    assert free.happened
    for row, events in of.happened.items():
        newest = of.table.base.newest[row]
        assert events == [event for event in free.happened[row] if event.at > newest]


def test_what_happened_to_a_lot_is_not_told_of_who_has_its_row_next():
    facts = lots(np.random.default_rng(5), 20)
    of = Engine(RULES)
    of.know(facts)
    flood(of, facts, 20, 1, step_s=3600)
    row = min(of.happened)
    of.forget(of.table.keys[row])
    stranger = LotKey("acme", "another")
    of.know({stranger: LotFacts("acme", "another", "lead", "ingot")})
    flood(of, [stranger], 1, 1)
    assert of.table.rows[stranger] == row
    assert row not in of.happened


def test_what_comes_late_in_a_flood_is_folded_again_and_right():
    """A repeat and a reading of one second ago, in a lot that keeps less than that."""
    facts = lots(np.random.default_rng(6), 1)
    (key,) = facts
    past = said(*((n / 3600, 20.0, 50.0 + n % 7) for n in range(100)))
    of, whole = Engine(RULES, 10), Engine(RULES)
    for engine in (of, whole):
        engine.know(facts)
    missed = np.arange(100) != 50
    of.evaluate(together({key: past.take(missed)}))
    of.evaluate(together({key: past.take(slice(99, None))}))
    assert of.dirty == {}, "the newest is known to be a repeat"
    for late in (past.take(slice(10, 11)), past.take(slice(50, 51))):
        of.evaluate(together({key: late}))
    assert of.dirty == {key: int(past.time[10])}
    of.refold(key, of.dirty[key], windows(past))
    whole.evaluate(together({key: past}))
    assert everything(of, key) == everything(whole, key)


def test_a_lot_that_cannot_let_go_of_half_lets_go_of_all_and_holds_up_nobody(monkeypatch):
    facts = lots(np.random.default_rng(7), 2)
    of, free = Engine(RULES, 100), Engine(RULES)
    for engine in (of, free):
        engine.know(facts)
        flood(engine, facts, 1, 45)

    def fails(*_):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(of, "_cut", fails)
        flood(of, facts, 1, 10, start_h=1.0)
    flood(free, facts, 1, 10, start_h=1.0)
    assert of.table.window.live <= 100
    assert [everything(of, key) for key in facts] == [everything(free, key) for key in facts]


def test_a_snapshot_is_at_no_time_in_memory_as_a_whole(tmp_path):
    facts = lots(np.random.default_rng(8), 4)
    of, path = Engine(RULES), tmp_path / "rules.snapshot"
    of.know(facts)
    flood(of, facts, 10, 2_500)
    snapshot.save(path, of, "j", 1)
    tracemalloc.start()
    try:
        snapshot.save(path, of, "j", 2)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    samples = 5 * 8 * of.table.window.live  # five columns of eight bytes, and one of one
    assert most < samples * 3 / 4
    again = Engine(RULES)
    again.know(facts)
    assert snapshot.restore(path, again, "j") == 2
    assert [everything(again, key) for key in facts] == [everything(of, key) for key in facts]
