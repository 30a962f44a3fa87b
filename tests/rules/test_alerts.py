"""What folding did, laid beside what the record has; pure."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.alerts import Episode, Known, Plan, Stage, episodes, reconcile
from rules.ids import stable_id
from rules.state import Change, Transition
from tests.rules.timeline import KEY, Record, at, hours

NOTHING = Plan([], [], [], [], [])


def opens(hour, rule="damp", **numbers):
    return Transition(rule, 1, at(hour), numbers)


def clears(hour, rule="damp", **numbers):
    return Transition(rule, 0, at(hour), numbers)


def change(*transitions, since=0, open_before=None):
    before = {rule: (at(hour),) for rule, hour in (open_before or {}).items()}
    return Change(KEY, at(since), before, list(transitions))


def told(of):
    return [
        (e.rule, hours(e.opened), None if e.cleared is None else hours(e.cleared), e.numbers)
        for e in episodes(of)
    ]


def episode(opened, cleared=None, rule="damp"):
    end = None if cleared is None else at(cleared)
    return Episode(stable_id(*KEY, rule, at(opened)), rule, (Stage(at(opened), 1),), end)


def known(opened, cleared=None, withdrawn=False, rule="damp"):
    one = episode(opened, cleared, rule)
    return Known(one.id, rule, one.opened, one.cleared, withdrawn, one.stages)


# Episodes.


def test_an_episode_runs_from_where_it_opens_to_where_it_clears():
    found = told(change(opens(1, humidity=90.0), clears(3, humidity=50.0), opens(5, humidity=85.0)))
    assert found == [("damp", 1, 3, {"humidity": 90.0}), ("damp", 5, None, {"humidity": 85.0})]


def test_what_was_open_before_ends_or_goes_on():
    before = {"damp": -5, "warm": -2}
    assert told(change(clears(2), since=0, open_before=before)) == [
        ("damp", -5, 2, {}),
        ("warm", -2, None, {}),
    ]


def test_what_ends_and_begins_again_is_two():
    found = told(change(clears(2), opens(4), open_before={"damp": -5}))
    assert found == [("damp", -5, 2, {}), ("damp", 4, None, {})]


def test_the_end_of_what_never_began_is_nothing():
    assert told(change(clears(2))) == []


def test_rules_do_not_mix():
    found = told(change(opens(1), opens(2, "warm"), clears(3), clears(4, "warm")))
    assert found == [("damp", 1, 3, {}), ("warm", 2, 4, {})]


def test_an_episode_has_the_same_id_however_it_was_found():
    as_new = episodes(change(opens(1)))[0]
    as_old = episodes(change(since=5, open_before={"damp": 1}))[0]
    assert as_new.id == as_old.id
    assert as_new.id != episodes(change(opens(2)))[0].id
    assert as_new.id != episodes(change(opens(1, "warm")))[0].id
    assert as_new.id != episodes(replace(change(opens(1)), key=KEY._replace(lot="L2")))[0].id
    assert as_new.id != episodes(replace(change(opens(1)), key=KEY._replace(tenant="b")))[0].id


def test_ids_do_not_run_together():
    assert stable_id("a", "bc") != stable_id("ab", "c")
    assert stable_id("a", 1) == stable_id("a", "1")
    assert stable_id("x") == "2d711642b726b04401627ca9fbac32f5"  # for ever


# Reconciling.

SINCE = 10


@pytest.mark.parametrize(
    ("record", "target", "plan"),
    [
        # Nothing there and nothing to be there; and all as it should be.
        ([], [], NOTHING),
        ([known(12)], [episode(12)], NOTHING),
        ([known(12, 14)], [episode(12, 14)], NOTHING),
        ([known(5)], [episode(5)], NOTHING),
        # It begins, ends, both.
        ([], [episode(12)], Plan([], [], [], [], [episode(12)])),
        ([], [episode(12, 14)], Plan([], [], [], [], [episode(12, 14)])),
        ([known(12)], [episode(12, 14)], Plan([], [], [(episode(12).id, at(14))], [], [])),
        # Its end is another than was thought: later, earlier, none yet.
        ([known(12, 14)], [episode(12, 16)], Plan([], [], [(episode(12).id, at(16))], [], [])),
        ([known(12, 14)], [episode(12, 13)], Plan([], [], [(episode(12).id, at(13))], [], [])),
        ([known(12, 14)], [episode(12)], Plan([], [], [], [episode(12)], [])),
        # It never was.
        ([known(12)], [], Plan([episode(12).id], [], [], [], [])),
        ([known(12, 14)], [], Plan([episode(12).id], [], [], [], [])),
        ([known(5)], [], Plan([episode(5).id], [], [], [], [])),
        ([known(5, 10)], [], Plan([episode(5).id], [], [], [], [])),
        # It was another.
        ([known(12)], [episode(11)], Plan([episode(12).id], [], [], [], [episode(11)])),
        # It was withdrawn, and was after all.
        ([known(12, withdrawn=True)], [], NOTHING),
        ([known(12, withdrawn=True)], [episode(12)], Plan([], [], [], [episode(12)], [])),
        (
            [known(12, 14, withdrawn=True)],
            [episode(12, 14)],
            Plan([], [], [], [episode(12, 14)], []),
        ),
        # It ended before the time that is spoken of.
        ([known(5, 9)], [], NOTHING),
        # Two rules at once.
        (
            [known(12), known(12, rule="warm")],
            [episode(12, 14), episode(13, rule="warm")],
            Plan(
                [episode(12, rule="warm").id],
                [],
                [(episode(12).id, at(14))],
                [],
                [episode(13, rule="warm")],
            ),
        ),
    ],
)
def test_the_plan_is_the_difference(record, target, plan):
    found = reconcile(record, target, at(SINCE))
    assert found == plan
    assert bool(found) == (plan != NOTHING)


moments = st.integers(0, 12)


@st.composite
def courses(draw):
    """Transitions of two rules as a fold gives them: opening and clearing by turns."""
    found = []
    for rule in ("damp", "warm"):
        times = sorted(draw(st.sets(moments, max_size=6)))
        found += [(opens if i % 2 == 0 else clears)(t, rule) for i, t in enumerate(times)]
    return sorted(found, key=lambda t: (t.at, t.rule))


def truth(transitions):
    record = Record()
    record.take([change(*transitions)])
    return record.net()


@given(st.lists(courses(), min_size=1, max_size=4))
def test_whatever_was_thought_before_the_record_ends_as_the_last_fold_has_it(folds):
    """At most one alert of a rule is open at any moment: `Record` sees to that."""
    record = Record()
    for transitions in folds:
        record.take([change(*transitions)])
        assert record.net() == truth(transitions)


@given(courses())
def test_the_same_again_changes_nothing(transitions):
    record = Record()
    record.take([change(*transitions)])
    before, events = dict(record.alerts), list(record.told)
    record.take([change(*transitions)])
    assert record.alerts == before
    assert record.told == events


@given(courses(), courses(), moments)
def test_a_change_from_a_time_on_leaves_what_was_before(first, second, since):
    """Two folds that agree until ``since`` and differ from there."""
    record = Record()
    agreed = [t for t in first if t.at < at(since)]
    state = {}
    for t in agreed:
        state.pop(t.rule, None) if not t.step else state.update({t.rule: (t.at,)})
    after = []
    for rule in ("damp", "warm"):
        mine = [t for t in second if t.rule == rule and t.at >= at(since)]
        # By turns from what the rule was at.
        open_now = rule in state
        after += [
            Transition(rule, int(open_now == (i % 2 == 1)), t.at, {}) for i, t in enumerate(mine)
        ]
    after.sort(key=lambda t: (t.at, t.rule))
    record.take([change(*first)])
    record.take([Change(KEY, at(since), state, after)])
    assert record.net() == truth([*agreed, *after])
