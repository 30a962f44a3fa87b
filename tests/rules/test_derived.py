"""Derived quantities of packs: what they come to, what they remember, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lots.climate import join
from rules.pack import PackError, load, parse
from rules.state import Book
from tests.rules.timeline import LEAD, WOOL, course, fold, folded, said, steady

RULE = """\
  test.one:
    {title: "{lot}", severity: warning, action: a, based_on: b, when: margin < 0, clear: margin > 1}
"""


def made(*lines, applies_to="{}"):
    """A pack with these derived quantities, as YAML, each in a line."""
    table = "".join(f"  {line}\n" for line in lines)
    return parse(
        {"my.yaml": f"pack: test\napplies_to: {applies_to}\nderived:\n{table}rules:\n{RULE}"}
    )


def refusal(*lines):
    with pytest.raises(PackError) as refused:
        made(*lines)
    return str(refused.value)


def of(samples, rules, name="x", facts=LEAD):
    """The quantity after each sample; None where it is unknown."""
    return course(samples, name, facts, rules=rules)


HOT = "x: {hours: temperature > 40, unit: h, about: hot}"


def test_a_plain_one_is_what_the_signals_make_of_it():
    rules = made("x: {value: temperature - 2 * humidity, unit: K, about: none}")
    assert of(said((0, 30, 10), (1, 31, 50)), rules) == [10.0, -69.0]


def test_what_divides_by_nothing_is_unknown():
    rules = made("x: {value: 1 / (temperature - 20), unit: K, about: none}")
    assert of(said((0, 20, 10), (1, 22, 50)), rules) == [None, 0.5]


def test_one_may_read_those_before_it_and_rules_may_read_all():
    text = """\
pack: test
derived:
  spread: {value: temperature - dew_point, unit: K, about: none}
  close_hours: {hours: spread < 2, unit: h, about: none}
rules:
  test.close:
    title: "{lot} was close for {close_hours} h"
    when: close_hours >= 3
    clear: spread > 5
    severity: warning
    action: "Mind {spread} K."
    based_on: b
"""
    done = folded(said(*steady(0, 4, 20, 95)), LEAD, parse({"my.yaml": text}))
    (begins,) = done.transitions
    assert (begins.rule, begins.numbers["close_hours"]) == ("test.close", 3.0)
    assert begins.numbers["spread"] == pytest.approx(0.83, abs=0.02)


def test_hours_are_those_in_which_it_held():
    samples = said((0, 45, 50), (1, 45, 50), (2, 20, 50), (3, 45, 50), (3.5, 45, 50))
    assert of(samples, made(HOT)) == [0.0, 1.0, 1.0, 2.0, 2.5]


def test_a_gap_and_an_unknown_value_add_nothing_and_take_nothing_away():
    samples = said((0, 45, 50), (1, 45, 50), (11, 45, 50), (12, math.nan, 50), (13, 45, 50))
    # The temperature of 11 h holds for three hours.
    assert of(samples, made(HOT)) == [0.0, 1.0, 1.0, 2.0, 3.0]
    samples = said((0, 45, 50), (1, 45, 50), (11, math.nan, 50), (12, math.nan, 50))
    assert of(samples, made(HOT)) == [0.0, 1.0, 1.0, 1.0]


def test_after_a_spell_of_rest_hours_begin_anew():
    rules = made("x: {hours: temperature > 40, spell: 2 h, unit: h, about: hot}")
    samples = said((0, 45, 50), (1, 45, 50), (2, 30, 50), (3, 30, 50), (4, 45, 50))
    assert of(samples, rules) == [0.0, 1.0, 1.0, 0.0, 1.0]


def test_an_integral_is_of_what_is_above_nothing():
    rules = made("x: {integral: temperature - 40, unit: K h, about: hot}")
    samples = said((0, 45, 50), (1, 42, 50), (2, 20, 50), (4, 41, 50))
    assert of(samples, rules) == [0.0, 2.0, 2.0, 4.0]


def test_a_steady_climb_has_its_rate_however_often_it_is_measured():
    rules = made("x: {rate: temperature, over: 6 h, unit: K/h, about: warming}")
    for step in (0.25, 1.0, 2.5):
        rows = [(h, 10 + 0.5 * h, 50.0) for h in np.arange(0.0, 60.1, step)]
        found = of(said(*rows), rules)
        early = math.ceil(6 / step)
        assert found[: early - 1] == [None] * (early - 1)
        assert found[-1] == pytest.approx(0.5, abs=0.005)


def test_an_average_follows_and_begins_anew_after_a_gap():
    rules = made("x: {average: temperature, over: 2 h, unit: °C, about: slow}")
    samples = said(*steady(0, 4, 20, 50), *((h, 30, 50) for h in (5, 6)), *steady(16, 19, 5, 50))
    found = of(samples, rules)
    assert found[:2] == [None, None]
    assert found[2:5] == [20.0] * 3
    # From 20 to 30 in an hour, straight: 2 h behind it, of which it has made 39 %.
    assert found[5] == pytest.approx(30 - 20 + 20 * math.exp(-0.5), abs=0.01)
    assert found[7:] == [None, None, 5.0, 5.0]


def test_times_are_counted_within_their_time_and_eight_at_most():
    rules = made("x: {times: temperature > 40, within: 10 h, unit: times, about: none}")
    hot = {1, 3, 4, 9}
    samples = said(*((h, 45 if h in hot else 30, 50) for h in range(16)))
    assert of(samples, rules) == [0, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 2, 2, 1, 1, 1]
    often = said(*((h / 4, 45 if h % 2 else 36, 50) for h in range(40)))
    assert of(often, rules)[-1] == 8


def test_what_held_when_a_lot_was_first_heard_of_did_not_begin_then():
    rules = made("x: {times: temperature > 40, within: 10 h, unit: times, about: none}")
    assert of(said((0, 45, 50), (1, 30, 50), (2, 45, 50)), rules) == [0, 0, 1]


def test_it_is_known_of_the_lots_of_its_pack_alone():
    rules = made(HOT, applies_to="{commodity: wool}")
    samples = said((0, 45, 50), (1, 45, 50))
    assert of(samples, rules) == [None, None]
    assert of(samples, rules, facts=WOOL) == [0.0, 1.0]


ALL = made(
    "a: {average: temperature, over: 3 h, unit: °C, about: none}",
    "r: {rate: humidity, over: 3 h, unit: '%RH/h', about: none}",
    "h: {hours: humidity > 60, spell: 2 h, unit: h, about: none}",
    "i: {integral: humidity - 50 + a, unit: h, about: none}",
    "t: {times: temperature > 20, within: 9 h, unit: times, about: none}",
    "v: {value: a + h + t, unit: '1', about: none}",
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 1.0, 2.5, 4.0]),
        st.floats(-10, 50) | st.just(math.nan),
        st.floats(10, 100) | st.just(math.nan),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(ROWS, st.data())
def test_however_samples_are_split_they_come_to_the_same(rows, data):
    hours = np.cumsum([row[0] for row in rows])
    samples = said(*((h, *row[1:]) for h, row in zip(hours, rows, strict=True)))
    # Samples of one time belong together.
    edges = [i for i in range(1, len(rows)) if hours[i] > hours[i - 1]]
    cuts = sorted(data.draw(st.sets(st.sampled_from(edges)))) if edges else []
    state, numbers = None, {}
    for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        done = fold(state, samples.take(slice(begin, end)), LEAD, ALL)
        state, numbers = done.state, done.numbers
    whole = fold(None, join([samples]), LEAD, ALL)
    assert numbers == whole.numbers
    assert state.memory.tobytes() == whole.state.memory.tobytes()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x: 3", "x: is a table with one of average, hours, integral, rate, times, value"),
        ("x: {unit: h, about: a}", "x: has exactly one of average"),
        ("x: {value: margin, rate: margin, unit: h, about: a}", "x: has exactly one of average"),
        ("x: {value: margin, unit: h}", "x: key 'about' is missing: add it"),
        ("x: {rate: margin, unit: h, about: a}", "x: key 'over' is missing: add it"),
        ("x: {times: margin < 1, unit: h, about: a}", "x: key 'within' is missing: add it"),
        ("x: {value: margin, over: 2 h, unit: h, about: a}", "x: unknown key 'over'"),
        ("x: {rate: margin, over: 2, unit: h, about: a}", "over: 2 is not a time such as"),
        ("x: {rate: margin, over: 0 h, unit: h, about: a}", "over is '0 h'; it is longer than"),
        ("x: {value: margin, unit: 3, about: a}", "unit is 3; it is a text"),
        ("x: {hours: margin, unit: h, about: a}", "hours: 'margin' is not a condition"),
        ("x: {value: margin < 1, unit: h, about: a}", "value: 'margin < 1' is not a number"),
        ("x: {value: y + 1, unit: h, about: a}", "value: there is no signal 'y'"),
        ("x: {value: x + 1, unit: h, about: a}", "value: there is no signal 'x'"),
        ("x: {value: 3, unit: h, about: a}", "value: '3' reads no signal"),
        ("margin: {value: surface, unit: h, about: a}", "there is a signal of that name"),
        ("lot: {value: surface, unit: h, about: a}", "there is a signal of that name"),
        ("X: {value: surface, unit: h, about: a}", "its name is at most 48 of"),
        ("not: {value: surface, unit: h, about: a}", "its name is at most 48 of"),
    ],
)
def test_one_that_cannot_be_used_is_refused_with_line_and_remedy(line, why):
    said = refusal(HOT.replace("x:", "first:"), line)
    assert said.startswith("my.yaml, line 5: ")
    assert why in said


def test_two_packs_may_not_mean_different_things_by_one_name():
    text = f"pack: test\nderived:\n  {HOT}\nrules: {{}}\n"
    with pytest.raises(PackError, match=r"b\.yaml, line 3: x: a quantity of that name is"):
        parse({"a.yaml": text, "b.yaml": text})


def test_a_table_of_them_is_a_table():
    with pytest.raises(PackError, match="line 2: derived: is a table by name"):
        parse({"my.yaml": "pack: test\nderived: [3]\nrules: {}\n"})


def test_those_that_come_with_dunnage_say_what_they_are():
    for memory in Book(load()).memories:
        assert memory.derived.unit
        assert memory.derived.about
