"""Severity steps: one rule, one alert, that rises and falls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots import registry
from lots.climate import together
from rules.engine import Engine
from rules.kernels import FAR
from rules.ledger import Ledger
from rules.pack import PackError, parse
from rules.state import Change, Transition
from rules.trial import run, trials
from tests.rules.desk import BOTH
from tests.rules.timeline import KEY, LEAD, Record, at, folded, hours, said

PACK = """\
pack: test
applies_to: {commodity: lead}
rules:
  heat:
    title: "{lot} is warm: {temperature} °C"
    when: temperature > 30
    clear: temperature < 25
    for: 1 h
    severity: info
    action: "Shade {lot}."
    based_on: b
    steps:
      - severity: warning
        when: temperature > 40
        clear: temperature < 35
        for: 2 h
        action: "Move {lot}."
      - severity: critical
        when: temperature > 50
        clear: temperature < 45
        title: "{lot} is hot: {temperature} °C"
tests:
  a hot day:
    every: 1 h
    air: [[0, 20, 50], [10, 60, 50], [20, 20, 50]]
    expect:
      heat: [[4, [8, critical], [14, warning], [17, info], 19]]
"""
RULES = parse({"my.yaml": PACK})


def stands(*temperatures, step=1.0):
    """(hour, step) of each transition, where the air has these temperatures, ``step`` hours apart:
    20 K from one hour to the next and 40 K in three are believed at once, more is not."""
    rows = [(i * step, value, 50) for i, value in enumerate(temperatures)]
    return [(hours(t.at), t.step) for t in folded(said(*rows), LEAD, RULES).transitions]


def test_it_rises_by_its_steps_and_falls_by_them():
    course = [20, 32, 32, 42, 42, 42, 55, 48, 44, 36, 34, 26, 24]
    assert stands(*course) == [(2, 1), (5, 2), (6, 3), (8, 2), (10, 1), (12, 0)]


def test_a_step_that_opens_at_once_opens_those_before_it():
    course = [20, 55, 55, 44, 34, 24]
    assert stands(*course, step=3.0) == [(3, 3), (9, 2), (12, 1), (15, 0)]


def test_it_falls_as_far_as_all_its_conditions_say_at_once():
    assert stands(20, 55, 20, 20, step=3.0) == [(3, 3), (6, 0)]
    assert stands(20, 55, 30, 24, step=3.0) == [(3, 3), (6, 1), (9, 0)]


def test_a_step_waits_by_itself():
    """Over 40 °C for an hour only, then for two."""
    assert stands(23, 42, 42, 39, 42, 42, 42) == [(2, 1), (6, 2)]


def test_what_is_unknown_neither_raises_nor_lowers():
    rows = [(0, 55, 50), (1, float("nan"), 50), (5, float("nan"), 50), (6, 20, 50)]
    done = folded(said(*rows), LEAD, RULES)
    assert [(hours(t.at), t.step) for t in done.transitions] == [(0, 3), (6, 0)]


@given(
    st.lists(st.sampled_from([20, 28, 33, 38, 42, 48, 55]), min_size=2, max_size=40),
    st.lists(st.integers(1, 12), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
)
def test_however_split_and_in_whatever_order_it_ends_in_the_same_alert(course, sizes, chance):
    """Rises and falls too; late ones within the window."""
    samples = said(*((i * 0.5, value, 50) for i, value in enumerate(course)))
    order = list(range(len(course)))
    for i in range(0, len(order), 6):
        part = order[i : i + 6]
        chance.shuffle(part)
        order[i : i + 6] = part
    of, record = Engine(RULES), Record()
    of.know({KEY: LEAD})
    begin = 0
    for size in [*sizes, len(course)]:
        if part := sorted(order[begin : begin + size]):
            record.take(of.evaluate(together({KEY: samples.take(part)})))
        begin += size
    once = Record()
    once.take([Change(KEY, at(0), {}, folded(samples, LEAD, RULES).transitions)])
    stand = {a.id: a for a in record.alerts.values() if not a.withdrawn}
    assert stand == once.alerts


# The record.


def move(hour, step, temperature=60.0):
    return Transition("heat", step, at(hour), {"temperature": temperature})


def write(desk, *transitions, now=100, **more):
    with registry.writing(desk.database) as session:
        change = Change(KEY, at(0), {}, list(transitions), **more)
        return Ledger(RULES, BOTH).write(session, [change], at(now))


def stages(desk):
    (row,) = [row for row in desk.rows() if row.withdrawn is None]
    return [(hours(begins), severity) for begins, severity in row.stages]


def test_rises_and_falls_are_of_one_alert_and_told(desk):
    write(desk, move(1, 1, 35.0))
    (row,) = desk.rows()
    assert (row.severity, row.title, row.action) == ("info", "L1 is warm: 35 °C", "Shade L1.")
    write(desk, move(1, 1, 35.0), move(3, 3, 55.0))
    (row,) = desk.rows()
    assert (row.severity, row.title, row.action) == ("critical", "L1 is hot: 55 °C", "Move L1.")
    write(desk, move(1, 1), move(3, 3), move(5, 1, 33.0))
    (row,) = desk.rows()
    assert (row.severity, row.title) == ("info", "L1 is warm: 33 °C")
    write(desk, move(1, 1), move(3, 3), move(5, 1), move(6, 0))
    assert stages(desk) == [(1, "info"), (3, "critical"), (5, "info")]
    assert not desk.rows()[0].revised
    assert desk.told() == [
        ("alert.opened", 1), ("alert.raised", 3), ("alert.lowered", 5), ("alert.cleared", 6),
    ]  # fmt: skip


def test_it_is_told_once_however_often_it_is_written(desk):
    course = [move(1, 1), move(3, 3), move(5, 1), move(6, 0)]
    write(desk, *course, now=6)
    before = desk.told()
    assert [event for event, _ in before] == [
        "alert.opened", "alert.raised", "alert.lowered", "alert.cleared",
    ]  # fmt: skip
    assert write(desk, *course) == 0
    assert desk.told() == before


def test_a_rise_that_never_was_is_taken_back(desk):
    write(desk, move(1, 1), move(3, 3))
    write(desk, move(1, 1), now=9)
    assert stages(desk) == [(1, "info")]
    assert desk.rows()[0].revised
    assert desk.told()[-1] == ("alert.lowered", 9)


def test_of_a_past_that_comes_to_light_where_it_stands_is_told_and_no_more(desk):
    write(desk, move(1, 1))
    write(desk, move(1, 1), move(2, 3), move(4, 1), known_to=FAR)
    assert stages(desk) == [(1, "info"), (2, "critical"), (4, "info")]
    assert desk.told() == [("alert.opened", 1)]
    write(desk, move(1, 1), move(2, 3), move(4, 2), known_to=FAR)
    assert desk.told() == [("alert.opened", 1), ("alert.raised", 4)]
    assert desk.rows()[0].severity == "warning"


def test_a_change_from_a_time_on_leaves_the_stages_before_it(desk):
    write(desk, move(1, 1), move(3, 3), move(5, 2))
    with registry.writing(desk.database) as session:
        later = Change(KEY, at(6), {"heat": (at(1), at(3))}, [move(8, 3), move(9, 0)])
        Ledger(RULES, BOTH).write(session, [later], at(100))
    assert stages(desk) == [(1, "info"), (3, "critical"), (5, "warning"), (8, "critical")]


# How a pack writes them.


def test_a_timeline_tells_its_rises_and_falls():
    (trial,) = trials(RULES)
    assert not run(trial, RULES).wrong
    for old, new in [("[8, critical], ", ""), ("[4, ", "[[4, warning], "), (", 19]", "]")]:
        rules = parse({"my.yaml": PACK.replace(old, new)})
        (trial,) = trials(rules)
        assert run(trial, rules).wrong == ("heat",)


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("- severity: warning", "- severity: info", 13, "it is more severe than info, of the step"),
        ("severity: critical", "severity: warning", 18, "it is more severe than warning, of the"),
        ("        clear: temperature < 35\n", "", 13, "key 'clear' is missing: add it"),
        ("when: temperature > 40", "when: heat > 40", 14, "when: there is no signal 'heat'"),
        ("for: 2 h", "for: 2", 16, "for: 2 is not a time"),
        ("for: 2 h", "phases: []", 16, "unknown key 'phases'; there are action"),
        ('"Move {lot}."', '"Open {lot}."', 17, "action: 'Open' may not be said while a hold"),
        ("[14, warning]", "[14, bad]", 27, "is not [opens, clears] or [opens], hours, with"),
    ],
)
def test_a_step_that_cannot_be_used_is_refused_with_its_line(old, new, line, why):
    assert old in PACK
    with pytest.raises(PackError) as refused:
        trials(parse({"my.yaml": PACK.replace(old, new)}))
    assert str(refused.value).startswith(f"my.yaml, line {line}: ")
    assert why in str(refused.value)


def test_steps_are_a_list():
    before, _, after = PACK.partition("    steps:\n")
    with pytest.raises(PackError, match="line 12: heat: steps: is a list of steps"):
        parse({"my.yaml": f"{before}    steps: 5\n" + after[after.index("tests:") :]})
