"""Conditions of packs: what they mean, with the unknown in them, and everything they refuse."""

import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.expression import MAX_DEPTH, MAX_LENGTH, ExpressionError, comparisons, condition

NAMES = ("a", "b", "c", "margin")
T, F, U = "holds", "fails", "unknown"
VALUE = {T: 1.0, F: -1.0, U: np.nan}  # of a signal that is compared with 0


def outcome(text, **signals):
    """What a condition says of single values."""
    columns = {name: np.asarray([value], float) for name, value in signals.items()}
    holds, fails = condition(text, NAMES)(columns)
    assert not (holds & fails).any()
    return T if holds[0] else F if fails[0] else U


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("a < 2", 2, F),
        ("a <= 2", 2, T),
        ("a > 2", 2, F),
        ("a >= 2", 2, T),
        ("a + 1 * 2 > 4", 2, F),  # 4, not 6
        ("(a + 1) * 2 > 4", 2, T),
        ("a - 1 - 1 >= 1", 2, F),  # from the left
        ("a / 2 / 2 < 1", 2, T),
        ("-a < 0", 2, T),
        ("--a > 0", 2, T),
        ("2 - -a > 3", 2, T),
        ("1e1 > a", 2, T),
        ("a < .5", 2, F),
        ("  a > 1  ", 2, T),
    ],
)
def test_arithmetic_and_comparison(text, value, expected):
    assert outcome(text, a=value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 0 or b > 0 and c > 0", T),  # and binds tighter: with the or first it would fail
        ("(a > 0 or b > 0) and c > 0", F),
        ("not a > 0 or a > 0", T),  # not binds tighter than or
        ("not (a > 0 or a > 0)", F),
        ("not not a > 0", T),
    ],
)
def test_and_binds_tighter_than_or_and_not_than_both(text, expected):
    assert outcome(text, a=1, b=1, c=-1) == expected


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        (1, 2, 3, T),
        (1, 3, 3, F),
        (3, 2, 1, F),
        (np.nan, 2, 3, U),
        (np.nan, 3, 2, F),  # whatever a is, b < c fails
        (1, np.nan, 3, U),
    ],
)
def test_a_chain_holds_where_every_link_does(a, b, c, expected):
    assert outcome("a < b < c", a=a, b=b, c=c) == expected


AND = {(T, T): T, (T, F): F, (T, U): U, (F, T): F, (F, F): F, (F, U): F}
AND |= {(U, T): U, (U, F): F, (U, U): U}
OR = {(T, T): T, (T, F): T, (T, U): T, (F, T): T, (F, F): F, (F, U): U}
OR |= {(U, T): T, (U, F): U, (U, U): U}
NOT = {T: F, F: T, U: U}


@pytest.mark.parametrize("left", [T, F, U])
@pytest.mark.parametrize("right", [T, F, U])
def test_logic_is_kleenes(left, right):
    a, b = VALUE[left], VALUE[right]
    assert outcome("a > 0 and b > 0", a=a, b=b) == AND[left, right]
    assert outcome("a > 0 or b > 0", a=a, b=b) == OR[left, right]
    assert outcome("not a > 0", a=a) == NOT[left]
    assert outcome("not (a > 0 and b > 0)", a=a, b=b) == NOT[AND[left, right]]


@pytest.mark.parametrize("text", ["a < 0", "a >= 0", "not a < 0", "a - a < 1", "a * 0 < 1"])
def test_a_condition_on_the_unknown_neither_holds_nor_fails(text):
    assert outcome(text, a=np.nan) == U


@pytest.mark.parametrize(("a", "expected"), [(0, T), (-math.inf, T), (np.nan, F)])
def test_whether_a_signal_is_known_is_known(a, expected):
    assert outcome("known(a)", a=a) == expected
    assert outcome("not known(a)", a=a) == NOT[expected]
    assert condition("known(a) and b > 0", NAMES).names == {"a", "b"}


@pytest.mark.parametrize(
    "text", ["known()", "known(a, b)", "known(a + b)", "known(3)", "known(a=b)"]
)
def test_what_is_no_signal_is_not_asked_whether_it_is_known(text):
    with pytest.raises(ExpressionError, match=r"ask known\(signal\)"):
        condition(text, NAMES)


def test_a_division_by_nothing_is_unknown_or_infinite_and_warns_nobody():
    assert outcome("a / b > 0", a=0, b=0) == U
    assert outcome("a / b > 1000", a=1, b=0) == T


def test_a_limit_that_nobody_set_is_infinite_and_never_passed():
    assert outcome("a > b", a=1e9, b=np.inf) == F
    assert outcome("a < b - 0.5", a=1e9, b=np.inf) == T


def test_columns_are_judged_at_each_of_their_rows():
    holds, fails = condition("0 < a < b or not c <= 1", NAMES)(
        {
            "a": np.array([1.0, 3.0, np.nan, 1.0]),
            "b": np.array([2.0, 2.0, 2.0, 2.0]),
            "c": np.array([0.0, 0.0, 5.0, np.nan]),
        }
    )
    assert holds.tolist() == [True, False, True, True]
    assert fails.tolist() == [False, True, False, False]


@pytest.mark.parametrize("text", ["1 < 2 and a > 0", "a > 0 or 2 < 1", "0 < 1 < a"])
def test_figures_compared_with_figures_do_not_upset_the_columns(text):
    holds, fails = condition(text, NAMES)({"a": np.array([2.0, -1.0, np.nan])})
    assert holds.tolist() == [True, False, False]
    assert fails.tolist() == [False, True, False]


def test_one_value_goes_with_a_column():
    holds, _ = condition("a > b", NAMES)({"a": np.array([1.0, 3.0]), "b": np.array(2.0)})
    assert holds.tolist() == [False, True]


def test_a_condition_knows_its_text_and_the_signals_it_reads():
    found = condition("a < 1 and not (b + a > c)", NAMES)
    assert found.names == {"a", "b", "c"}
    assert found.text == "a < 1 and not (b + a > c)"


@given(
    st.lists(st.sampled_from([-1.0, 0.0, 1.0, np.nan]), min_size=4, max_size=4),
    st.recursive(
        st.sampled_from(["a > 0", "b <= 0", "c < a", "margin >= c"]),
        lambda inner: st.one_of(
            st.builds("({}) and ({})".format, inner, inner),
            st.builds("({}) or ({})".format, inner, inner),
            st.builds("not ({})".format, inner),
        ),
        max_leaves=6,
    ),
)
def test_what_is_said_of_the_unknown_stays_true_whatever_it_turns_out_to_be(values, text):
    """An outcome on missing data must be the outcome for every value that could be there."""
    signals = dict(zip(NAMES, values, strict=True))
    found = outcome(text, **signals)
    if found != U:
        for guess in (-5.0, 0.0, 5.0):
            filled = {name: guess if np.isnan(v) else v for name, v in signals.items()}
            assert outcome(text, **filled) == found


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a.real > 0", "a.real"),
        ("a.__class__ > 0", "a.__class__"),
        ("max(a, b) > 0", "max(a, b)"),
        ("__import__('os').system('x') > 0", "__import__('os')"),
        ("a[0] > 0", "a[0]"),
        ("(lambda: a)() > 0", "lambda"),
        ("f'{a}' > 0", "f'{a}'"),
        ("(b := a) > 0", "(b := a)"),
        ("a > 'high'", "'high'"),
        ("a > b'x'", "b'x'"),
        ("a > True", "True"),
        ("-False < a", "False"),
        ("a > None", "None"),
        ("a > ...", "..."),
        ("a > 1j", "1j"),
        ("a ** 2 > 0", "a ** 2"),
        ("a % 2 > 0", "a % 2"),
        ("a // 2 > 0", "a // 2"),
        ("a @ b > 0", "a @ b"),
        ("a << 2 > 0", "a << 2"),
        ("~a > 0", "~a"),
        ("+a > 0", "+a"),
        ("(a if b > 0 else c) > 0", "a if b > 0 else c"),
        ("[a] > 0", "[a]"),
        ("{a} > 0", "{a}"),
        ("[x for x in a] > 0", "for x in a"),
        ("(await a) > 0", "await a"),
        ("(a > 0) > 0", "a > 0"),
        ("(a and b) > 0", "a and b"),
        ("(not a) > 0", "not a"),
        ("a < 1e999", "1e309"),
    ],
)
def test_what_is_not_a_number_is_refused_by_its_part(text, part):
    with pytest.raises(ExpressionError, match=re.escape(part)):
        condition(text, NAMES)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a", "'a' is not a condition"),
        ("1", "'1' is not a condition"),
        ("True", "'True' is not a condition"),
        ("a and b > 0", "'a' is not a condition"),
        ("b > 0 or a + 1", "'a + 1' is not a condition"),
        ("not a", "'a' is not a condition"),
        ("a > 0 and exit()", "'exit()' is not a condition"),
        ("a > 0 if b > 0 else c > 0", "is not a condition"),
    ],
)
def test_what_is_not_a_condition_is_refused_by_its_part(text, part):
    with pytest.raises(ExpressionError, match=re.escape(part)):
        condition(text, NAMES)


@pytest.mark.parametrize(
    "text", ["a == 0", "a != b", "a is b", "a is not b", "a in b", "a not in b", "0 < a == 1"]
)
def test_other_comparisons_are_refused_and_named(text):
    with pytest.raises(ExpressionError) as refused:
        condition(text, NAMES)
    assert text in str(refused.value)
    assert "< <= > >=" in str(refused.value)


def test_a_signal_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(
        ExpressionError,
        match=r"no signal 'margins' \(did you mean 'margin'\?\); there are a, b, c, margin",
    ):
        condition("margins < 0", NAMES)


@pytest.mark.parametrize("text", ["1 < 2", "1 < 2 or 3 < 4", "not 1 < 2"])
def test_a_condition_that_reads_nothing_is_refused(text):
    with pytest.raises(ExpressionError, match="reads no signal"):
        condition(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a >",
        "a > 0; b > 0",
        "a > 0\nb > 0",
        "x = a > 0",
        "import os",
        "a > 0)",
        "((((a > 0",
        "a > 0 and",
        "a\x00 > 0",
        "a > \ud800",
        "a ≥ 0",
        "a > ٣",  # digits of another script are no figures here
        "a > 5_",
        "a > 007",
    ],
)
def test_what_cannot_be_read_is_refused_with_its_text(text):
    with pytest.raises(ExpressionError) as refused:
        condition(text, NAMES)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a > 80 %", "write 80 without '%'"),
        ("a > 80 %RH and margin < 1", "write 80 without '%'"),
        ("b > 20.5 °C or margin < 1", "write 20.5 without '°C'"),
        ("margin < 2K", "write 2 without 'K'"),
        ("margin ≤ 2", "write <= in place of '≤'"),
        ("margin => 2", "write >= in place of '=>'"),
        ("margin < −2", "write - in place of '−'"),
        ("a × b < 2", "write * in place of '×'"),
        ("margin\xa0< 2", "write a plain space in place of"),
        ("margin < 2 && a > 1", "write and in place of '&&'"),
        ("margin < 2 AND a > 1", "write and in place of 'AND'"),
        ("margin < 1,5", "write '1, 5' with a point"),
    ],
)
def test_what_is_written_otherwise_elsewhere_is_refused_with_the_remedy(text, remedy):
    with pytest.raises(ExpressionError, match=re.escape(remedy)):
        condition(text, NAMES)


@pytest.mark.parametrize("text", ["margin > 80 and and margin < 2", "margin > 1e5 and ("])
def test_words_of_the_language_are_no_units(text):
    with pytest.raises(ExpressionError) as refused:
        condition(text, NAMES)
    assert "without" not in str(refused.value)


def test_letters_that_only_look_like_a_signal_are_not_one():
    with pytest.raises(ExpressionError, match="no signal"):
        condition("\N{CYRILLIC SMALL LETTER A} > 0", NAMES)  # Cyrillic a
    # Letters that Unicode holds to be the same letter are the same signal.
    assert condition("\N{FULLWIDTH LATIN SMALL LETTER A} > 0", NAMES).names == {"a"}


def test_a_long_text_is_refused_before_it_is_read():
    assert condition("a > 0" + " " * (MAX_LENGTH - 5), NAMES).names == {"a"}
    with pytest.raises(ExpressionError, match=f"longer than {MAX_LENGTH} characters"):
        condition("a > 0" + " " * (MAX_LENGTH - 4), NAMES)
    with pytest.raises(ExpressionError, match="longer"):
        condition("a > " + "9" * 10_000_000, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 480 + "a > 0",
        "not " * 120 + "a > 0",
        "a" + "+a" * 200 + " > 0",
        "(" * 240 + "a" + ")" * 240 + " > 0",
        "a > 0 and (" * 40 + "b > 0" + ")" * 40,
    ],
)
def test_deep_nesting_is_refused_however_little_room_is_left(text):
    """Near the end of the stack, where a worker may well be, it must not fall over either."""

    def deeper(frames):
        return deeper(frames - 1) if frames else refused_or_right()

    def refused_or_right():
        try:
            found = condition(text, NAMES)
        except ExpressionError as error:
            return re.search(r"nested|cannot be read", str(error)) is not None
        holds, _ = found({name: np.array([1.0]) for name in NAMES})
        return holds.tolist() == [True]

    assert deeper(sys.getrecursionlimit() - 350)


def test_as_deep_as_allowed_still_works():
    text = "-" * (MAX_DEPTH - 6) + "a > 0"
    assert outcome(text, a=1) == T


def test_a_condition_is_taken_apart_into_its_comparisons():
    text = "not (0 < a < 1) and (b > 2 or\n a + b >= 3 or not known(c))"
    assert comparisons(text) == ["0 < a < 1", "b > 2", "a + b >= 3", "known(c)"]
