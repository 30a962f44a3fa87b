"""Tags that say what cannot be: who they are, from marked readings, until it can be again."""

from __future__ import annotations

from ingest.impossible_values import UNITS, ImpossibleValues
from ingest.screen import LIMITS, screen
from lots.clock import DAY_MS
from lots.readings.batch import ReadingBatch, TagKey, concatenate, of_tag
from tests.formats.test_native import NOW


def said(tag: str = "T1", **values: list[float]) -> ReadingBatch:
    """Readings of a tag in one message, by quantity."""
    (count,) = {len(column) for column in values.values()}
    return screen(of_tag(TagKey("acme", tag), range(NOW, NOW + count), values))


def told(*batches: ReadingBatch) -> str | None:
    """After messages that came one after the other."""
    tags = ImpossibleValues()
    for batch in batches:
        tags.take(batch, NOW)
    return tags.trouble


def test_what_cannot_be_is_told_until_it_can_be() -> None:
    wet, sound = said(humidity=[140.0]), said(humidity=[60.0])
    assert told(sound) is None
    assert told(wet) == "a tag says what cannot be: T1 of acme (humidity 140 %RH)"
    assert told(wet, said("T2", humidity=[60.0])) == told(wet), "another tag takes nothing back"
    assert told(wet, sound) is None


def test_each_quantity_is_told_at_its_own_limits() -> None:
    assert UNITS.keys() == {quantity for quantity, *_ in LIMITS}
    for quantity, low, high, _ in LIMITS:
        assert told(said(**{quantity: [low]}), said(**{quantity: [high]})) is None
        for value in (low - 0.25, high + 0.25):
            words = told(said(**{quantity: [value]}))
            assert words is not None
            assert words.endswith(f"T1 of acme ({quantity} {value:g} {UNITS[quantity]})")


def test_another_quantity_takes_nothing_back() -> None:
    """A device may send them in messages of their own, and would be told of with each."""
    wet = said(humidity=[140.0])
    assert told(wet, said(temperature=[21.0])) == told(wet)
    assert told(wet, said(temperature=[21.0], humidity=[float("nan")])) == told(wet)
    assert told(said(temperature=[900.0], humidity=[140.0])) == (
        "tags say what cannot be: T1 of acme (temperature 900 °C), T1 of acme (humidity 140 %RH)"
    )


def test_the_last_of_a_message_counts() -> None:
    assert told(said(temperature=[21.0, 900.0, 850.5])) == (
        "a tag says what cannot be: T1 of acme (temperature 850.5 °C)"
    )
    assert told(said(temperature=[900.0, 21.0])) is None
    together = concatenate([said("T1", temperature=[900.0]), said("T2", temperature=[21.0])])
    assert told(together) == "a tag says what cannot be: T1 of acme (temperature 900 °C)"


def test_the_first_are_named_and_not_remembered_without_end() -> None:
    tags = ImpossibleValues(most=7)
    tags.take(concatenate(said(f"T{n}", humidity=[140.0]) for n in range(9)), NOW)
    assert tags.trouble is not None
    assert tags.trouble.startswith("tags say what cannot be: T0 of acme (humidity 140 %RH)")
    assert tags.trouble.endswith("T4 of acme (humidity 140 %RH), and 2 more")


def test_one_that_says_nothing_for_a_day_is_forgotten() -> None:
    tags = ImpossibleValues()
    tags.take(said(humidity=[140.0]), NOW)
    tags.forget(NOW + DAY_MS)
    assert tags.trouble is not None
    tags.forget(NOW + DAY_MS + 1)
    assert tags.trouble is None
