"""What is said, and what a hold leaves of it: over every message of every shipped pack."""

from itertools import product

import pytest

from lots.terms import HoldKind
from rules.knowledge import HANDS_ON, PLACE_UNKNOWN, READ_THE_LABEL, Box, Restraint, words
from rules.pack import PackError, load, parse
from rules.signals import SIGNALS

RULES = load()
MESSAGES = [step for rule in RULES.rules for step in rule.steps]
UNKNOWN_BOXES = {Box.CLOSED: READ_THE_LABEL, Box.UNKNOWN: PLACE_UNKNOWN}
KNOWN = [*SIGNALS, *(limit.name for limit in RULES.limits), *(d.name for d in RULES.derived)]
NUMBERS = [{}, dict.fromkeys([*KNOWN, "hours_silent"], 1.5)]
NAMES = [f"{rule.name} {step.severity}" for rule in RULES.rules for step in rule.steps]
MESSAGE = pytest.mark.parametrize("message", MESSAGES, ids=NAMES)

PACK = """\
pack: mine
rules:
  my.rule:
    title: "{lot} is damp"
    when: humidity > 80
    clear: humidity < 70
    severity: warning
    action: "Close the doors."
    based_on: b
"""


@MESSAGE
def test_every_text_can_be_filled_in_with_nothing_known_and_with_all(message):
    for numbers in NUMBERS:
        said = words(message, "L1", numbers, [], Box.NONE)
        assert "{" not in said.title + said.action
        assert "L1" in said.title
        assert "nan" not in (said.title + said.action).lower()


def test_what_is_in_brackets_is_said_where_it_is_known():
    text = "It is {humidity} %RH[, {temperature} °C]. [Dew is at {dew_point} °C.]"
    (rule,) = parse({"my.yaml": PACK.replace("Close the doors.", text)}).rules
    for numbers, action in (
        ({"humidity": 85.0, "dew_point": 10.5}, "It is 85 %RH. Dew is at 10.5 °C."),
        ({"humidity": 85.0, "temperature": 13.0}, "It is 85 %RH, 13 °C."),
        ({}, "It is unknown %RH."),
    ):
        assert words(rule.steps[0], "L1", numbers, [], Box.NONE).action == action


def test_brackets_around_no_signal_stay():
    text = "Call the yard [07:00 to 16:00] about {lot}: {humidity} %RH."
    (rule,) = parse({"my.yaml": PACK.replace("Close the doors.", text)}).rules
    said = words(rule.steps[0], "L1", {}, [], Box.NONE)
    assert said.action == "Call the yard [07:00 to 16:00] about L1: unknown %RH."


def test_what_is_left_out_makes_no_word_of_two_halves():
    (rule,) = parse({"my.yaml": PACK.replace("Close the doors.", "ope[{humidity}]n it")}).rules
    said = words(rule.steps[0], "L1", {}, [Restraint(HoldKind.SEAL, None)], Box.NONE)
    assert not HANDS_ON.search(said.action)


def test_of_wool_that_was_not_cored_nothing_is_said_of_a_scale():
    weighed = [message for message in MESSAGES if "{scale_mass_low}" in message.action]
    assert len(weighed) == 6, "damp and dry of each kind"
    for message in weighed:
        numbers = {"regain": 25.0, "scale_mass_low": 990.0, "scale_mass_high": 1010.0}
        assert "unknown" not in words(message, "L1", {"regain": 25.0}, [], Box.NONE).action
        assert "990 to 1010 kg" in words(message, "L1", numbers, [], Box.NONE).action


# Holds come first.


@MESSAGE
@pytest.mark.parametrize("kind", HoldKind)
@pytest.mark.parametrize("box", Box)
def test_under_a_hold_nothing_lays_hands_on_it_and_who_lifts_it_is_named(message, kind, box):
    for numbers, who in product(NUMBERS, ["Port Fumigation Ltd", None]):
        said = words(message, "L1", numbers, [Restraint(kind, who)], box)
        assert not HANDS_ON.search(f"{said.title} {said.action}")
        assert said.action.startswith("Leave it closed and untouched: it is held (")
        assert kind.replace("_", " ") in said.action
        assert (
            f"{who or 'whoever set it (read the door label first)'} lifts the hold" in said.action
        )


@MESSAGE
@pytest.mark.parametrize("box", UNKNOWN_BOXES)
def test_of_a_box_that_nothing_is_known_of_the_door_label_is_read_first(message, box):
    for numbers in NUMBERS:
        said = words(message, "L1", numbers, [], box)
        assert not HANDS_ON.search(f"{said.title} {said.action}")
        assert said.action.startswith(UNKNOWN_BOXES[box])
        assert (said.action == UNKNOWN_BOXES[box]) == message.touches
        assert "read the door label first" in said.action.lower()


def test_what_the_holds_keep_back_is_said_without_them():
    """Else the tests above would have nothing to find."""
    free = [words(message, "L1", {}, [], Box.NONE) for message in MESSAGES]
    told = [message.touches for message, said in zip(MESSAGES, free, strict=True)
            if HANDS_ON.search(said.action)]  # fmt: skip
    assert len(told) >= 3
    assert all(told)


def test_nobody_waits_for_a_certificate_to_call_the_fire_service():
    heating = [r.steps[-1] for r in RULES.rules if r.name == "wool.heating"]
    assert len(heating) == 3  # greasy, scoured, cashmere
    for each in heating:
        said = words(each, "L1", {}, [Restraint("fumigated", "Port Fumigation Ltd")], Box.CLOSED)
        held, _, at_once = said.action.partition(" At once, without touching it: ")
        assert held.startswith("Leave it closed and untouched")
        assert "call the fire service" in at_once


def test_what_touches_the_goods_always_waits():
    bad = PACK + "    touches: true\n    waits: false\n"
    with pytest.raises(PackError, match=r"my.rule: waits: what touches the goods waits"):
        parse({"my.yaml": bad})


def test_two_holds_are_both_told():
    holds = [Restraint("fumigated", "Port Fumigation Ltd"), Restraint("seal", "Customs")]
    said = words(MESSAGES[0], "L1", {}, holds, Box.CLOSED)
    assert "Port Fumigation Ltd" in said.action
    assert "Customs" in said.action


def test_a_lot_whose_name_looks_like_a_field_is_told_as_it_is():
    (rule,) = parse({"a.yaml": PACK}).rules
    assert words(rule.steps[0], "{margin}", {"margin": 1}, [], Box.NONE).title == "{margin} is damp"


WORDS = [
    "open", "Opens", "opened", "re-open", "reopening", "enter", "entering", "entered", "ventilate",
    "Ventilation", "ventilating", "unwrap", "unwrapped", "unpack", "unseal", "unloaded",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_a_pack_of_ones_own_cannot_say_it_under_a_hold_either(word):
    in_action = PACK.replace("Close the doors.", f"Then {word} it.")
    with pytest.raises(PackError, match=r"^my.yaml, line 8: my.rule: action: '.*touches: true"):
        parse({"my.yaml": in_action})
    (rule,) = parse({"my.yaml": in_action + "    touches: true\n"}).rules
    assert rule.steps[0].touches
    with pytest.raises(PackError, match=r"^my.yaml, line 4: my.rule: title: '.*into action"):
        parse({"my.yaml": PACK.replace("is damp", f"wants you to {word} it")})


@pytest.mark.parametrize("word", ["centre", "closed", "carpenter"])
def test_other_words_are_taken_as_they_are(word):

    parse({"my.yaml": PACK.replace("Close the doors.", f"The {word} waits.")})
