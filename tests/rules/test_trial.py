"""Timelines that packs carry: what they play, and what is said of one that cannot be used."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from rules.pack import PackError, load, parse
from rules.trial import Alert, run, trials
from tests.rules.timeline import HEAT

DOC = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
PACK = f"""\
{HEAT}overlays:
  - for: {{region: cold_winter}}
    limits: {{hottest: 30}}
rules:
  test.hot:
    title: "{{lot}}"
    when: temperature > hottest
    clear: temperature < hottest
    severity: warning
    action: a
    based_on: b
tests:
  a hot day:
    every: 1 h
    air: [[0, 20, 50], [10, 50, 50], [20, 20, 50]]
    expect:
      test.hot: [[7, 14]]
"""


COURSE = "circumstances: [{course: {departs: 8, origin: {temperature: 0, dew_point: -3}"
WARM = "destination: {temperature: 25, dew_point: 20}"


def outcome(old="", new=""):
    assert old in PACK
    rules = parse({"my.yaml": PACK.replace(old, new)})
    (trial,) = trials(rules)
    return run(trial, rules)


@pytest.mark.parametrize("name", [trial.name for trial in trials(load())])
def test_those_that_come_with_dunnage_pass(name):
    rules = load()
    (trial,) = [each for each in trials(rules) if each.name == name]
    assert run(trial, rules).wrong == ()


def test_each_pack_of_goods_has_one_with_alerts_and_one_without():
    for goods in ("lead", "wool"):
        found = [each.expects for each in trials(load()) if each.facts.commodity == goods]
        assert any(found)
        assert not all(found)


def test_alerts_are_as_expected_to_within_the_interval():
    assert outcome().wrong == ()
    assert outcome("[[7, 14]]", "[[8, 13]]").wrong == ()
    assert outcome("[[7, 14]]", "[[8.1, 14]]").wrong == ("test.hot",)
    assert outcome("[[7, 14]]", "[[7, 12.9]]").wrong == ("test.hot",)


def test_one_too_many_one_too_few_and_one_that_stays_are_wrong():
    assert outcome("      test.hot: [[7, 14]]\n", "      {}\n").wrong == ("test.hot",)
    assert outcome("[[7, 14]]", "[[7, 14], [16, 17]]").wrong == ("test.hot",)
    assert outcome("[[7, 14]]", "[[7]]").wrong == ("test.hot",)
    assert outcome("[10, 50, 50], [20, 20, 50]]", "[10, 50, 50]]").wrong == ("test.hot",)


def test_what_came_is_told():
    assert outcome("[[7, 14]]", "[[1, 2]]").alerts == {
        "test.hot": [Alert(((7.0, "warning"),), 14.0)]
    }


def test_circumstances_count():
    amid = "    circumstances: [{region: cold_winter}, {from: 9, region: temperate}]\n    expect:"
    found = outcome("    expect:", amid)
    assert found.alerts == {"test.hot": [Alert(((4.0, "warning"),), 14.0)]}


def test_a_tag_on_the_metal_is_one():
    text = PACK.replace("when: temperature", "when: surface").replace("    air:", "    surface:")
    rules = parse({"my.yaml": text.replace(", 50]", "]")})
    (trial,) = trials(rules)
    assert run(trial, rules).alerts["test.hot"][0].stages[0][0] == 7.0


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "    air: [[0, 20",
            "    airs: [[0, 20",
            "unknown key 'airs' (did you mean 'air'?); there are",
        ),
        ("    air: [[0, 20, 50], [10, 50, 50], [20, 20, 50]]\n", "", "no tag says anything: add"),
        ("[[0, 20, 50]", "[0, 20, 50", "my.yaml"),
        ("[[0, 20, 50]", "[[0]", "[0] is not [hour, °C, %RH]"),
        ("[[0, 20, 50]", "[[0, hot]", "[0, 'hot'] is not [hour, °C, %RH]"),
        ("[10, 50, 50]", "[0, 50, 50]", "[0, 50, 50] is not later than what stands before it"),
        ("[20, 20, 50]", "[20000, 20, 50]", "is outside of 0 to 10000 h"),
        (
            "every: 1 h",
            "beside: [[[0, 20, 50], [0, 9]]]",
            "beside, no. 1: [0, 9] is not later than",
        ),
        ("every: 1 h", "beside: 5", "beside: is a list of tags, each a list of [hour, °C, %RH]"),
        ("every: 1 h", "every: 1", "1 is not a time such as"),
        ("every: 1 h", "every: 0 h", "every: too short; there are at most 200,000 readings"),
        ("test.hot: [[7", "test.cold: [[7", "expect: there is no rule 'test.cold' for this lot"),
        ("[[7, 14]]", "7", "expect: test.hot is a list of [opens, clears], in hours"),
        ("[[7, 14]]", "[[a]]", "expect: test.hot: ['a'] is not [opens, clears] or [opens], hours"),
        ("every: 1 h", "lot: {form: greasy}", "this pack is for no lot that is {'form': 'greasy'}"),
        ("every: 1 h", "lot: {name: x}", "lot: unknown key 'name'; there are commodity"),
        ("every: 1 h", "lot: {time_constant_h: 0}", "time_constant_h is 0; it is a number above 0"),
        ("every: 1 h", "circumstances: [{phase: sea}]", "phase is 'sea'; it is one of in_stock"),
        ("every: 1 h", "circumstances: [{from: x}]", "no. 1: from is 'x'; it is a number"),
        ("every: 1 h", "circumstances: {phase: sea}", "circumstances: is a list of tables with"),
        ("every: 1 h", "unheard: 5", "unheard: is a list of [from, to], in hours"),
        ("every: 1 h", "unheard: [[5, 5]]", "unheard: [5, 5] is not [from, to], hours from 0 to"),
        ("every: 1 h", "offline: [[-1, 5]]", "offline: [-1, 5] is not [from, to], hours from 0 to"),
        (
            "every: 1 h",
            "lot: {limits: {hottest: 1}}",
            "lot: limits: unknown key 'hottest'; there are humidity_max, humidity_min",
        ),
        ("every: 1 h", "lot: {limits: {humidity_max: x}}", "humidity_max is 'x'; it is a number"),
        ("every: 1 h", f"{COURSE}, arrives: 9}}}}]", "no. 1: course: key 'destination' is missing"),
        (
            "every: 1 h",
            f"{COURSE}, {WARM}, arrives: 8}}}}]",
            "course: arrives at 8 h, which is not",
        ),
        (
            "every: 1 h",
            f"{COURSE}, {WARM.replace('20', 'wet')}, arrives: 9}}}}]",
            "course: destination: dew_point is 'wet'; it is a number",
        ),
    ],
)
def test_one_that_cannot_be_used_is_refused_with_line_and_remedy(old, new, why):
    assert old in PACK
    with pytest.raises(PackError) as refused:
        trials(parse({"my.yaml": PACK.replace(old, new)}))
    assert str(refused.value).startswith("my.yaml")
    assert why in str(refused.value)


def test_the_timeline_in_the_document_is_the_shipped_one():
    blocks = re.findall(r"```yaml\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    (text,) = [block for block in blocks if block.startswith("tests:")]
    shipped = load()
    pack = f"pack: x\napplies_to: {{commodity: lead}}\nrules: {{}}\n{text}"
    rules = replace(shipped, tests=parse({"docs/rules.md": pack}).tests)
    (trial,) = trials(rules)
    assert run(trial, rules).wrong == ()
