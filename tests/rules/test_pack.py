"""Packs: those that come with Dunnage, and what is said of one that cannot be used."""

import math
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lots.circumstances import Circumstance
from lots.terms import Phase
from rules.keys import duration_ms
from rules.pack import PackError, load, parse, stamp
from rules.rule import Level, Rules, Severity, Silence
from rules.signals import SIGNALS
from rules.state import Book, LotFacts
from rules.surroundings import SPAN
from rules.trial import trials

DOC = Path(__file__).resolve().parents[2] / "docs" / "rules.md"

GOOD = """\
pack: test
applies_to: {commodity: lead}
rules:
  test.one:
    title: "{lot} is wet"
    when: margin < 0
    clear: margin > 1
    severity: warning
    action: "Dry {lot}."
    based_on: physics
"""


@pytest.fixture(scope="module")
def shipped():
    return load()


def refusal(text, file="my.yaml"):
    with pytest.raises(PackError) as refused:
        parse({file: text})
    return str(refused.value)


def changed(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


def test_the_shipped_rules_load(shipped):
    lead = {rule.name for rule in shipped.of("lead", "ingot")}
    faults = ("stuck", "saturated", "drift_temperature", "drift_humidity", "spikes")
    both = {"customer.temperature", "customer.humidity", "lot.silent"}
    both |= {f"sensor.{name}" for name in faults}
    names = ("sweat", "sweat_near", "frost", "wet", "furnace", "dunnage", "hot_damp")
    assert lead == {f"lead.{name}" for name in names} | both
    for form in ("greasy", "scoured", "tops", "cashmere"):
        wool = {rule.name for rule in shipped.of("wool", form)}
        told = {"mould", "damp", "core_damp", "carriage", "dry", "heating", "hot_damp", "moths"}
        assert wool == {f"wool.{name}" for name in told} | both


def test_every_shipped_rule_leaves_room_to_clear_in(shipped):
    for rule in shipped.rules:
        for level in rule.levels:
            assert level.opens.text.strip() != f"not ({level.clears.text.strip()})"
            assert level.opens.names == level.clears.names


def test_no_shipped_text_declares_a_lot_fit_or_safe(shipped):
    good_news = re.compile(r"\b(?<!not )(fit|safe|dry enough)\b", re.IGNORECASE)
    for rule in shipped.rules:
        for step in rule.steps:
            assert not good_news.search(f"{step.title} {step.action}"), rule.name


@pytest.mark.parametrize("forms", [("greasy",), ("scoured", "tops"), ("cashmere",)])
def test_every_rule_of_wool_fires_in_a_timeline_of_each_pack(shipped, forms):
    fired = {rule for t in trials(shipped) if t.facts.form in forms for rule in t.expects}
    wool = {rule.name for rule in shipped.of("wool", forms[0]) if rule.name.startswith("wool.")}
    assert fired == wool


# What a good pack gives.


@pytest.mark.parametrize(("settling", "tells"), [(8.5, True), (7.5, False)])
def test_sweat_is_told_half_an_hour_before_there_is_a_film_of_it(shipped, settling, tells):
    opens = next(rule for rule in shipped.rules if rule.name == "lead.sweat").levels[0].opens
    now = {"surface": 5.0, "film": 0.0, "settling": settling}
    now |= {"sweat_ahead": 0.0, "sweat_in": np.nan, "beaded_hours": 0.0}
    assert opens.holds({name: np.array([value]) for name, value in now.items()}) == tells


def test_a_rule_is_read_as_it_is_written():
    (rule,) = parse(
        {"a.yaml": changed("clear: margin > 1", "clear: margin > 1\n    for: 90 min")}
    ).rules
    assert rule.name == "test.one"
    (step,) = rule.steps
    assert (step.title, step.action, rule.based_on) == ("{lot} is wet", "Dry {lot}.", "physics")
    assert step.severity is Severity.WARNING
    assert isinstance(step.test, Level)
    assert step.test.delay_ms == 90 * 60_000
    assert step.touches is False
    assert rule.scope.has("lead", "ingot")
    assert not rule.scope.has("wool", "greasy")


def test_without_a_scope_a_rule_is_for_all():
    (rule,) = parse({"a.yaml": changed("applies_to: {commodity: lead}\n", "")}).rules
    assert rule.scope.has("lead", "ingot")
    assert rule.scope.has("wool", "tops")


def test_a_silence_has_a_least_length_of_its_own_or_half_an_hour():
    level = "when: margin < 0\n    clear: margin > 1"
    (rule,) = parse({"a.yaml": changed(level, "silent_intervals: 3.5")}).rules
    assert rule.silence == Silence(3.5, 30 * 60_000)
    (rule,) = parse(
        {"a.yaml": changed(level, "silent_intervals: 3\n    silent_at_least: 2 h")}
    ).rules
    assert rule.silence == Silence(3.0, 2 * 3_600_000)


def test_the_digest_changes_with_any_text_and_with_nothing_else():
    assert parse({"a.yaml": GOOD}).digest == parse({"a.yaml": GOOD}).digest
    assert parse({"a.yaml": GOOD}).digest != parse({"a.yaml": GOOD + "# note\n"}).digest
    assert parse({"a.yaml": GOOD}).digest != parse({"b.yaml": GOOD}).digest


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0 min", 0),
        ("30 min", 1_800_000),
        ("30min", 1_800_000),
        ("2 h", 7_200_000),
        ("1.5 d", 129_600_000),
        (" 1 h ", 3_600_000),
    ],
)
def test_durations(text, ms):
    assert duration_ms(text) == ms


@pytest.mark.parametrize(
    "text",
    ["", "2", 2, 1.5, True, None, "h", "-1 h", "2 hours", "1 h 30 min", "1,5 h", "inf h", "1e3 h"],
)
def test_what_is_no_duration_is_refused_with_what_is(text):
    with pytest.raises(ValueError, match="is not a time such as '30 min', '2 h' or '1 d'"):
        duration_ms(text)


@pytest.mark.parametrize("text", ["367 d", "9" * 400 + " h"])
def test_a_duration_beyond_a_year_is_refused(text):
    with pytest.raises(ValueError, match="longer than a year"):
        duration_ms(text)


# What is said of a bad one: the file, the line of the rule, the rule, the key, the remedy.


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "when: margin < 0",
            "when: margins < 0",
            "when: there is no signal 'margins' (did you mean 'margin'?); there are",
        ),
        ("when: margin < 0", "when: margin == 0", "when: 'margin == 0': only < <= > >="),
        ("when: margin < 0", "when: 5", "when: '5' is not a condition"),
        ("when: margin < 0", "when: yes", "when: 'True' is not a condition"),
        ("when: margin < 0", "when:", "when: 'None' is not a condition"),
        ("when: margin < 0", "when: [margin < 0]", "when: "),
        ("clear: margin > 1", "clear: margin >", "clear: 'margin >' cannot be read"),
        ("    clear: margin > 1\n", "", "key 'clear' is missing: add it"),
        ("    when: margin < 0\n", "", "key 'when' is missing: add it"),
        ('    action: "Dry {lot}."\n', "", "key 'action' is missing: add it"),
        ("    based_on: physics\n", "", "key 'based_on' is missing: add it"),
        ("based_on: physics", "based_on:", "based_on is None; it is a text"),
        ("severity: warning", "severity: bad", "severity is 'bad'; it is one of info, warning"),
        ("severity: warning", "severity: [info]", "severity is ['info']; it is one of"),
        (
            "severity: warning",
            "severity: warning\n    serverity: x",
            "unknown key 'serverity' (did you mean 'severity'?); there are",
        ),
        ("severity: warning", "severity: warning\n    1: x", "unknown key '1'; there are"),
        (
            "severity: warning",
            "severity: warning\n    touches: maybe",
            "touches is 'maybe'; it is true or false",
        ),
        ("severity: warning", "severity: warning\n    for: 2", "for: 2 is not a time such as"),
        ("severity: warning", "severity: warning\n    for: 1:30", "for: 90 is not a time such as"),
        (
            "severity: warning",
            "severity: warning\n    for: 1000 d",
            "for: '1000 d' is longer than a year",
        ),
        (
            "severity: warning",
            "severity: warning\n    silent_at_least: 2 h",
            "unknown key 'silent_at_least'",
        ),
        ("severity: warning", "severity: warning\n    silent_intervals: 2", "unknown key 'clear'"),
        ('title: "{lot} is wet"', "title: 5", "title is 5; it is a text"),
        ('title: "{lot} is wet"', "title: ' '", "title is ' '; it is a text"),
    ],
)
def test_a_bad_rule_is_refused_by_file_line_rule_and_key(old, new, says):
    """The line is that of the key, or of the rule where a key is missing."""
    message = refusal(changed(old, new))
    where = re.match(r"my\.yaml, line (\d+): test\.one: ", message)
    assert where, message
    assert says in message
    line = changed(old, new).splitlines()[int(where[1]) - 1].strip()
    key = re.search(r"(?:unknown key |key |^)\W*(\w+)", says)[1]
    assert line.startswith("test.one:" if "missing" in says else f"{key}:")


@pytest.mark.parametrize(
    "field",
    [
        "{x.__class__}",
        "{lot.__class__}",
        "{lot[0]}",
        "{0}",
        "{}",
        "{margin2}",
        "{LOT}",
        "{ lot }",
        "{margin:.2f}",  # would fail when it is filled in
        "{lot:>1000000000}",
        "{lot:{margin.__class__}}",
        "{lot!r}",
        "{",
        "}",
        "{lot",
        "{{lot}",
    ],
)
@pytest.mark.parametrize("key", ["title", "action"])
def test_a_text_has_plain_signals_in_braces_and_nothing_else(key, field):
    old = {"title": '"{lot} is wet"', "action": '"Dry {lot}."'}[key]
    message = refusal(changed(f"{key}: {old}", f"{key}: 'See {field} here'"))
    line = {"title": 5, "action": 9}[key]
    assert message.startswith(f"my.yaml, line {line}: test.one: {key}: ")


@pytest.mark.parametrize("key", ["title", "action", "based_on"])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (r"is \0 wet", "the control character U+0000 cannot be kept; take it out"),
        (r"is \x7f wet", "the control character U+007F cannot be kept; take it out"),
        (r"is \ud800 wet", "the control character U+D800 cannot be kept; take it out"),
        ("wet " * 600, "longer than 2000 characters: put it more briefly"),
    ],
    ids=["NUL", "DEL", "half a pair", "a book"],
)
def test_a_text_that_no_alert_could_be_written_with_is_refused(key, text, says):
    """PostgreSQL keeps no NUL, and nothing that is no Unicode: the first alert would wait for ever,
    and all others with it."""
    old = {"title": '"{lot} is wet"', "action": '"Dry {lot}."', "based_on": "physics"}[key]
    assert f"{key}: {says}" in refusal(changed(old, f'"{text}"'))


def test_a_text_in_any_script_is_taken():
    said = "{lot} 受潮了 😀 — ß א"
    rules = parse({"my.yaml": changed("{lot} is wet", said)})
    assert rules.rules[0].steps[0].title == said


def test_an_unknown_field_is_told_with_those_that_there_are():
    message = refusal(changed("{lot} is wet", "{lots} is wet"))
    assert (
        "there is no {lots} to fill in (did you mean 'lot'?); there are absolute_humidity, "
        in message
    )


@pytest.mark.parametrize(
    "body", ["5", "[]", "margin < 0", "", "[{when: margin < 0}]"], ids=lambda body: body or "none"
)
def test_a_rule_that_is_no_table_is_refused_with_its_keys(body):
    message = refusal(f"pack: a\nrules:\n\n  test.one: {body}\n")
    assert message.startswith("my.yaml, line 4: test.one: is a table with action, ")


@pytest.mark.parametrize("name", ["Two", "1", "a b", "ä", "''", "a" * 65, "a/b"])
def test_a_name_that_the_registry_could_not_keep_is_refused(name):
    message = refusal(changed("test.one", name))
    assert "line 4: " in message
    assert "a rule's name is at most 64 of a-z" in message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("applies_to: lead", "is a table with 'commodity' and 'form'"),
        ("applies_to: []", "is a table with 'commodity' and 'form'"),
        ("applies_to: false", "is a table with 'commodity' and 'form'"),
        ("applies_to: {metal: lead}", "is a table with 'commodity' and 'form'"),
        ("applies_to: {commodity: zinc}", "commodity is 'zinc'; it is one or a list of lead, wool"),
        ("applies_to: {commodity: []}", "commodity is []; it is one or a list of lead, wool"),
        ("applies_to: {commodity: {a: b}}", "it is one or a list of lead, wool"),
        ("applies_to: {commodity: [[lead]]}", "it is one or a list of lead, wool"),
        ("applies_to: {form: [greasy, wet]}", "form is ['greasy', 'wet']; it is one or a list of"),
    ],
)
def test_a_scope_that_is_none_is_refused(line, says):
    message = refusal(changed("applies_to: {commodity: lead}", line))
    assert message.startswith("my.yaml, line 2: applies_to: ")
    assert says in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a pack has 'pack', 'applies_to' and 'rules'"),
        ("- a\n", "a pack has"),
        ("pack: a\n", "a pack has"),
        ("pack: a\nrules: [a]\n", "a pack has"),
        ("rules: {}\n", "key 'pack' is missing: add it"),
        (
            "pack: a\nrules: {}\nrulez: {}\n",
            "unknown key 'rulez' (did you mean 'rules'?); there are applies_to, derived, limits",
        ),
        ("pack: a\nrules: {}\n1: {}\nb: {}\n", "unknown key '1'"),
        ("pack: a\nrules:\n\tb: c\n", "line 3"),
        ("pack: a\nrules: {a: !!python/object/apply:os.system [id]}\n", "line 2"),
        ("pack: a\nrules: {a: 2025-99-99}\n", "is not YAML"),
        ("pack: a\nrules: " + "[" * 1000, "is not YAML"),
        ("pack: a\x00", "is not YAML"),
        ("pack: a\nrules: *nowhere\n", "line 2"),
    ],
)
def test_a_file_that_is_no_pack_is_refused_by_its_name(text, says):
    message = refusal(text)
    assert message.startswith("my.yaml")
    assert says in message


def aliases(levels, each=9):
    """Aliases of aliases: few lines that stand for ``each`` ** ``levels`` values."""
    lists = [f"  - &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * each)}]" for n in range(levels)]
    return "\n".join(["heap:", *lists, ""])


@pytest.mark.parametrize("key", ["title", "when", "for", "severity", "action"])
def test_a_file_that_stands_for_more_than_fits_into_memory_is_refused(key):
    """A worker that took it up would end, and at every start again."""
    body = changed("    severity: warning\n", "    severity: warning\n    for: 1 h\n")
    body = re.sub(rf"{key}: .*", f"{key}: *a11", body)
    message = refusal(aliases(12) + body)
    assert message.startswith("my.yaml, line 8: is not YAML: it stands for more than 1,000,000")


def test_tables_merged_again_and_again_are_refused():
    rows = [f"  m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 3)}]}}" for n in range(1, 40)]
    assert "stands for more than" in refusal("\n".join([GOOD + "tests:", "  m0: &m0 {}", *rows]))


def test_an_alias_of_what_it_stands_in_is_refused():
    message = refusal(changed("severity: warning", "severity: &a [*a]"))
    assert message == (
        "my.yaml, line 8: is not YAML: an alias stands within what it stands for: take it out"
    )


def test_an_alias_is_taken_for_what_it_stands_for():
    text = changed("when: margin < 0", "when: &limit margin < 0") + "    leaves: *limit\n"
    (level,) = parse({"my.yaml": text}).rules[0].levels
    assert level.leaves.text == level.opens.text == "margin < 0"


@pytest.mark.parametrize(
    "value",
    ["2026-02-30", "!!int ''", "!!bool maybe", "!!timestamp later", "!!float x", "9" * 5000],
)
def test_a_value_that_is_not_of_its_kind_is_refused_by_its_line(value):
    message = refusal(changed("severity: warning", f"severity: {value}"))
    assert message.startswith("my.yaml, line 8: is not YAML: '")
    assert message.endswith(": put a text in quotes")
    assert len(message) < 200


def test_what_is_said_of_an_error_is_no_longer_than_somebody_reads():
    assert len(refusal(changed("severity: warning", f"severity: {'x' * 100_000}"))) < 2_100


@pytest.mark.parametrize("written", ["00123", "1.10", "no", "[A, B]", "", "2026-01-01"])
def test_a_name_that_yaml_takes_for_something_else_is_refused(written):
    """An overlay for the lot 00123 was one for the lot 83, and nobody knew."""
    limits = "limits: {dry: {value: 1, unit: K, about: x}}\noverlays:\n"
    limits += f"  - for: {{tenant: acme, lot: {written}}}\n    limits: {{dry: 2}}\n"
    message = refusal(changed("rules:\n", limits + "rules:\n"))
    assert message.startswith("my.yaml, line 5: overlays, no. 1: for: lot is ")
    assert message.endswith("; it is a name: put it in quotes")


def test_a_rule_given_twice_in_one_file_is_refused_where_it_is_given_again():
    """YAML itself would take the second and forget the first."""
    message = refusal(GOOD + GOOD.split("rules:\n")[1])
    assert "my.yaml" in message
    assert "'test.one' is there twice: keep one" in message
    assert "line 11" in message


def test_a_key_given_twice_is_refused():
    message = refusal(changed("when: margin < 0", "when: margin < 0\n    when: margin < 2"))
    assert "'when' is there twice: keep one" in message


LIMITS = (SPAN.names or ()).index("limits")


def two(first, second, form="greasy"):
    """Two packs of wool, with ``second`` in place of ``first`` in the other's."""
    body = """\
limits: {most: {value: 80, unit: "%RH", about: bearable}}
overlays: [{for: {region: cold_winter}, limits: {most: 70}}]
derived: {wet: {hours: humidity > most, unit: h, about: how long}}
rules:
  test.damp: {title: t, severity: info, action: a, based_on: b, when: humidity > most,
              clear: humidity < most}
"""
    assert first in body
    head = "pack: {0}\napplies_to: {{commodity: wool, form: {1}}}\n".format
    return {
        "a.yaml": head("a", "tops") + body,
        "b.yaml": head("b", form) + body.replace(first, second),
    }


def test_a_name_may_stand_in_packs_for_other_goods():
    """There the number, the overlay and the words are each pack's own."""
    rules = parse(two("value: 80", "value: 60"))
    book = Book(rules)
    assert [rule.name for rule in book.rules] == ["test.damp"]
    assert (book.limit_names, len(book.memories)) == (["most"], 1)
    facts = {form: LotFacts("acme", form, "wool", form) for form in ("tops", "greasy", "scoured")}
    cold = (Circumstance(0, Phase.IN_STOCK, 0, "", "cold_winter"),)
    values = {}
    for form, each in facts.items():
        rows = [
            span[LIMITS] for found in (each, replace(each, circumstances=cold))
            for span in book.spans(found)
        ]  # fmt: skip
        values[form] = book.limits[rows, 0].tolist()
    assert values["tops"] == [80, 70]
    assert values["greasy"] == [60, 70]
    assert all(map(math.isnan, values["scoured"]))


def test_an_overlay_is_for_the_goods_of_its_pack():
    rules = parse(two("most: 70", "most: 50"))
    book = Book(rules)
    cold = (Circumstance(0, Phase.IN_STOCK, 0, "", "cold_winter"),)
    found = {}
    for form in ("tops", "greasy"):
        facts = LotFacts("acme", form, "wool", form, circumstances=cold)
        (span,) = book.spans(facts)
        found[form] = float(book.limits[span[LIMITS], 0])
    assert found == {"tops": 70, "greasy": 50}


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("when: humidity > most", "when: humidity > most + 1", "test.damp"),
        ("clear: humidity < most}", "clear: humidity < most, for: 1 h}", "test.damp"),
        ('unit: "%RH"', "unit: K", "most"),
        ("wet: {hours: humidity > most", "wet: {hours: humidity > 90", "wet"),
    ],
)
def test_what_has_one_name_for_other_goods_is_the_same_there(first, second, name):
    with pytest.raises(PackError) as refused:
        parse(two(first, second))
    assert f"{name}: a " in str(refused.value)
    assert "is in a.yaml for other goods, and is not the same there" in str(refused.value)
    with pytest.raises(PackError, match=r"is in a.yaml too: give one of them another name"):
        parse(two("value: 80", "value: 60", "tops"))


def test_a_rule_of_two_files_is_refused_with_both():
    with pytest.raises(PackError) as refused:
        parse({"a.yaml": GOOD, "b.yaml": "# mine\n" + GOOD})
    assert str(refused.value) == (
        "b.yaml, line 5: test.one: a rule of that name is in a.yaml too:"
        " give one of them another name"
    )


def test_a_quoted_rule_is_found_by_its_line():
    message = refusal(changed("test.one:", '"test.one":').replace("margin < 0", "x < 0"))
    assert message.startswith("my.yaml, line 6: test.one: when: ")


# From a folder.


def test_a_folder_of_ones_own_is_taken_in_place_of_the_shipped_packs(tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a pack", encoding="utf-8")
    assert [rule.name for rule in load(tmp_path).rules] == ["test.one"]


@pytest.mark.parametrize("table", ["rules", "limits", "derived", "tests"])
@pytest.mark.parametrize("code", ["\\0", "\\x1b", "\\ud800"])
def test_what_is_said_of_a_name_can_be_kept(table, code):
    """It is written to the registry as an operators' alert: who could not write it ended."""
    rules = "" if table == "rules" else "rules: {}\n"
    with pytest.raises(PackError) as refused:
        trials(parse({"my.yaml": f'pack: test\n{rules}{table}: {{"a{code}b": 3}}\n'}))
    message = str(refused.value)
    assert message.startswith("my.yaml, line ")
    assert message.isprintable()


def test_a_file_name_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.yaml")).write_text(GOOD, encoding="utf-8")
    with pytest.raises(PackError, match="is in UTF-8: rename it") as refused:
        load(tmp_path)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["own.yml", "own.YAML", "own.yaml.txt"])
def test_a_pack_that_is_named_otherwise_is_not_left_out_in_silence(tmp_path, name):
    (tmp_path / "my.yaml").write_text(GOOD, encoding="utf-8")
    before = stamp(tmp_path)
    (tmp_path / name).write_text(GOOD.replace("test.one", "test.two"), encoding="utf-8")
    with pytest.raises(PackError, match=rf"'{re.escape(name)}': a pack's name ends in .yaml"):
        load(tmp_path)
    assert stamp(tmp_path) != before, "it is looked at again when the file is gone"


def test_a_folder_without_a_pack_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(PackError, match=r"holds no pack: put at least one \.yaml file there"):
        load(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PackError, match=re.escape(str(tmp_path / "gone"))):
        load(tmp_path / "gone")


def test_a_file_that_is_not_utf_8_is_named_with_the_remedy(tmp_path):
    (tmp_path / "mine.yaml").write_bytes(GOOD.encode().replace(b"physics", b"\xff\xfe"))
    with pytest.raises(PackError, match=r"mine\.yaml is not UTF-8.*save it as UTF-8"):
        load(tmp_path)


def test_a_folder_in_place_of_a_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "mine.yaml").mkdir()
    with pytest.raises(PackError, match=r"mine\.yaml"):
        load(tmp_path)


# The document.


def rows(heading):
    """First cells of the table under ``heading`` of docs/rules.md, with the rest of their row."""
    section = DOC.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE)
    assert len(found) == len(dict(found))
    return dict(found)


def test_the_document_lists_every_signal_with_its_unit_and_no_other():
    told = rows("Signals")
    assert told.keys() == SIGNALS.keys()
    for name, (unit, _) in SIGNALS.items():
        assert told[name].split(" | ")[0] == unit, name


def test_the_document_lists_every_shipped_rule_with_its_values_and_no_other(shipped: Rules):
    told = rows("The rules that come with Dunnage")
    assert told.keys() == {rule.name for rule in shipped.rules}
    for rule in shipped.rules:
        for number, level in enumerate(rule.levels):
            opens, clears, _ = told[rule.name].split(" | ")
            opens, clears = opens.split("; ")[number], clears.split("; ")[number]
            assert f"`{level.opens.text.strip()}`" in opens, rule.name
            assert f"`{level.clears.text.strip()}`" in clears, rule.name
            wait = re.search(r"for (.*)$", opens)
            assert duration_ms(wait[1] if wait else "0 min") == level.delay_ms, rule.name


def test_the_packs_in_the_document_are_ones():
    blocks = re.findall(r"```yaml\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    (rule,) = parse({"docs/rules.md": blocks[0]}).rules
    assert rule.name == "lead.sweat_near"
    steps = next(block for block in blocks if "    steps:\n" in block)
    (rule,) = parse({"docs/rules.md": steps}).rules
    assert len(rule.levels) == 2
    coming = next(block for block in blocks if "    foreseen:\n" in block)
    (rule,) = parse({"docs/rules.md": coming}).rules
    assert rule.foreseen
    for block in blocks[1:]:
        if block in (steps, coming):
            continue
        whole = f"pack: x\napplies_to: {{commodity: lead}}\nrules: {{}}\n{block}"
        found = parse({"docs/rules.md": whole})
        assert found.limits or found.derived or found.tests
