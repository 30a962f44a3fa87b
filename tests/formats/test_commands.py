"""`dunnage formats`: what it lists, and that `try` says what would be stored, or why not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ingest.formats import FORMATS
from ingest.formats.sparkplug_payload import payload_class
from lots.readings.batch import Flag
from tests.cli.shell import Done, Shell
from tests.formats.pages import PAGES

TOPIC = "dunnage/v1/acme/tag-7/readings"
AT = "2025-11-21T23:01:00Z"
READING = b'{"boot": 17, "seq": 4021, "t": 1763766000, "temperature": 21.4, "humidity": 300}'
MAPPED = """
[[subscriptions]]
filter = "dunnage/v1/+/+/readings"
format = "native"

[[subscriptions]]
filter = "store/+"
format = "mapped"
tenant = "acme"

[subscriptions.options]
topic = "store/{tag}"
quantities = { temperature = { path = "d.t", unit = "degF" } }
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def said(done: Done, status: int = 0) -> str:
    assert done.returncode == status, (done.returncode, done.stderr.decode())
    return done.stdout.decode()


def as_data(done: Done, status: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(done, status))
    return found


def test_list_has_all_formats(shell: Shell) -> None:
    text = said(shell("formats", "list"))
    lines = [line.split("\t") for line in text.splitlines()]
    assert lines[0] == ["format", "what", "filter, such as", "tenant"]
    assert [line[0] for line in lines[1:]] == list(FORMATS)
    assert lines[1][2:] == ["dunnage/v1/+/+/readings", "in the topic"]
    found = json.loads(said(shell("formats", "list", "--json")))
    assert {each["name"]: each["tenant"] for each in found}["mapped"] == "in the row"
    assert {each["name"]: each["identity"] for each in found}["senml-json"] == "values"


def test_the_page_has_all_formats_and_links_their_pages() -> None:
    page = (PAGES / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([^\]]+)\]\(([^)]+)\) \|", page, re.MULTILINE)
    names = {name for cell, _ in rows for name in re.findall(r"`([a-z-]+)`", cell)}
    assert names == FORMATS.keys()
    for _, target in rows:
        assert (PAGES / target).is_file(), target


def test_a_reading_of_the_usual_row(shell: Shell) -> None:
    text = said(shell("formats", "try", TOPIC, "--received", AT, given=READING))
    assert text.splitlines() == [
        "dunnage/v1/+/+/readings in format native (row 1 of subscriptions)",
        "",
        "reading of tag tag-7 of tenant acme",
        "  time              2025-11-21T23:00:00.000Z",
        "                    given in seconds",
        "                    the humidity cannot be: kept and not believed",
        "  boot, seq         17, 4021",
        "  temperature       21.4 °C",
        "  humidity          300 %RH",
    ]


def test_the_same_for_programs(shell: Shell) -> None:
    asked = READING[:-1] + b', "ack": true}'
    found = as_data(shell("formats", "try", TOPIC, "--received", AT, "--json", given=asked))
    (reading,) = found["readings"]
    assert reading.pop("key") in range(1_000_000)
    assert reading == {
        "tenant": "acme",
        "tag": "tag-7",
        "time": "2025-11-21T23:00:00.000Z",
        "t": 1_763_766_000_000,
        "flags": ["given in seconds", "the humidity cannot be: kept and not believed"],
        "boot": 17,
        "seq": 4021,
        "values": {"temperature": 21.4, "humidity": 300},
    }
    assert found["row"]["format"] == "native"
    assert found["acknowledgements"][0]["seq"] == 4021
    assert found["rejected"] == found["sightings"] == []


def test_every_flag_has_words() -> None:
    from cli.formats_view import WORDS

    assert set(WORDS) == set(Flag)


def test_why_not(shell: Shell) -> None:
    text = said(shell("formats", "try", TOPIC, given=b'{"temperature": "x"}'), status=1)
    assert text.endswith("not used: temperature is 'x': send a number, or leave it out\n")
    text = said(shell("formats", "try", "else/where", given=b"{}"), status=1)
    assert "topic 'else/where': no row of subscriptions in the settings takes it" in text
    half = b'[{"t": 1763766000000, "temperature": 1}, {}]'
    done = shell("formats", "try", TOPIC, "--received", "1763766000000", "--json", given=half)
    found = as_data(done, status=1)
    assert len(found["readings"]) == 1
    assert found["rejected"][0]["kind"] == "unusable"
    assert found["rejected"][0]["reason"].startswith("reading 1: there is no value")


def test_a_row_of_the_settings(shell: Shell) -> None:
    (shell.folder / "dunnage.toml").write_text(MAPPED)
    text = said(shell("formats", "try", "store/4", given=b'{"d": {"t": 70.52}}'))
    assert "store/+ in format mapped, tenant acme (row 2 of subscriptions)" in text
    assert "reading of tag 4 of tenant acme" in text
    assert "no time was given: the server's" in text
    assert "  temperature       21.4 °C" in text


def test_a_row_that_cannot_be_used_says_where_it_stands(shell: Shell) -> None:
    (shell.folder / "dunnage.toml").write_text(MAPPED.replace("degF", "furlong"))
    message = shell.refusal("formats", "try", "store/4")
    assert "subscriptions in dunnage.toml: 'store/+' in format 'mapped': option" in message
    assert "use one of °C, °F, K" in message
    assert said(shell("formats", "try", TOPIC, given=b'{"temperature": 1}')), "that row is good"


def test_a_format_without_a_row(shell: Shell) -> None:
    words = ["formats", "try", "a/b", "--format", "mapped", "--json", "--received", AT]
    payload = b'{"id": "x", "t": 214, "at": "2025-11-21T23:00:00Z"}'
    one_by_one = ["--option", "tag=id", "--option", "quantities.temperature.path=t"]
    one_by_one += ["--option", "quantities.temperature.scale=0.1", "--option", "time=at"]
    whole = ["--options", '{"tag": "id", "quantities": {"temperature": {"path": "t"}}}']
    over = ["--option", "quantities.temperature.scale=0.1", "--option", "time=at"]
    for options in (one_by_one, whole + over):
        found = as_data(shell(*words, *options, given=payload))
        (reading,) = found["readings"]
        assert (reading["tenant"], reading["tag"], reading["flags"]) == ("default", "x", [])
        assert (reading["time"], reading["values"]) == (
            "2025-11-21T23:00:00.000Z",
            {"temperature": 21.4},
        )
    found = as_data(shell(*words, *one_by_one, "--tenant", "acme", given=payload))
    assert found["readings"][0]["tenant"] == "acme"
    message = shell.refusal(*words, "--option", "tag=id")
    assert "option quantities is missing" in message
    assert "use one of chirpstack," in shell.refusal("formats", "try", "x", "--format", "morse")


def test_payloads_that_are_no_text(shell: Shell) -> None:
    payload = payload_class()
    birth = payload(timestamp=1_763_766_000_000)
    birth.metrics.add(name="Temperature", alias=1).float_value = 21.5
    data = payload(timestamp=1_763_766_001_000)
    data.metrics.add(alias=1).float_value = 22.5
    (shell.folder / "birth.bin").write_bytes(birth.SerializeToString())
    words = ["formats", "try", "spBv1.0/P/NDATA/N", "--format", "sparkplug", "--received", AT]
    given = data.SerializeToString()
    assert "not used: alias 1 says nothing" in said(shell(*words, given=given), status=1)
    before = ["--before", "spBv1.0/P/NBIRTH/N=birth.bin"]
    text = said(shell(*words, *before, given=given))
    assert "  temperature       22.5 °C" in text
    assert text.count("reading of") == 1, "of the birth nothing is shown"
    status = ["formats", "try", "spBv1.0/STATE/host", "--format", "sparkplug"]
    assert "understood, and nothing in it is to be kept" in said(shell(*status))


def test_sightings(shell: Shell) -> None:
    read = b'{"epc": "3074257BF7194E4000001A85", "antenna": 2, "t": 1763766000000, "rssi": -52.5}'
    words = ["formats", "try", "dunnage/v1/acme/dock-3/reads", "--format", "reads"]
    text = said(shell(*words, "--received", AT, given=read))
    assert "sighting of urn:epc:id:sgtin:0614141.812345.6789 by reader dock-3 of" in text
    assert "  time              2025-11-21T23:00:00.000Z" in text
    assert "  rssi              -52.5" in text
    found = as_data(shell(*words, "--received", AT, "--json", given=read))
    assert found["sightings"][0]["antenna"] == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a/+"], "without + and #"),
        ([""], "TOPIC is what one message"),
        (["a", "--tenant", "x"], "go with --format"),
        (["a", "--option", "x=1"], "go with --format"),
        (["a", "--format", "mapped", "--option", "x"], "write NAME=VALUE"),
        (["a", "--format", "mapped", "--option", "x=1", "--option", "x.y=1"], "x is no table"),
        (["a", "--format", "mapped", "--options", "{"], "--options is not JSON"),
        (["a", "--format", "mapped", "--options", "[]"], "--options is an object"),
        (["a", "--received", "soon"], "--received is 'soon'"),
        (["a", "--before", "x"], "write TOPIC=FILE"),
        (["a", "--before", "x=nowhere.bin"], "nowhere.bin cannot be read"),
    ],
)
def test_what_cannot_be_asked_for(shell: Shell, words: list[str], expected: str) -> None:
    done = shell("formats", "try", *words)
    assert done.returncode == 2
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.stderr.decode()).split())
    assert expected in text, text


def test_nothing_is_made(shell: Shell) -> None:
    said(shell("formats", "try", TOPIC, given=b'{"temperature": 1}'))
    assert list(shell.folder.iterdir()) == []


def test_a_name_that_nothing_goes_with_is_told_apart(shell: Shell) -> None:
    text = said(
        shell("formats", "try", TOPIC, given=b'{"t": 1763766000, "temp": 21.5, "humidity": 60}')
    )
    assert "  humidity          60 %RH\n" in text
    assert "21.5 (no unit is known, and no rule judges by it)" in text


def test_without_a_row_there_are_formats_to_try(shell: Shell) -> None:
    assert "--format" in said(shell("formats", "try", "x/y", given=b"{}"), 1)
