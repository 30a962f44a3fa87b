"""What came from outside has no power over a terminal."""

from __future__ import annotations

import json
import math

import pytest

from cli.terminal import KEPT, plain, print_json, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Łódź 21 °C 湿度", "Łódź 21 °C 湿度"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("\x1b[31mred\x07\r", "\\x1b[31mred\\x07\\r"),
        ("\x9b2J", "\\x9b2J"),
        ("one\ntwo\t", "one\\ntwo\\t"),
        ("left\u202eright", "left\\u202eright"),
        ("a\u2028b\ud800", "a\\u2028b\\ud800"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_line_ends_of_a_long_text_may_stay() -> None:
    assert plain("{\n\t1\x1b\n}", KEPT) == "{\n\t1\\x1b\n}"


def test_json_can_be_said_by_every_output(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"lot": "Größe 铅 😀 \ud800", "why": ["21 °C", "\x9b2J", "left\u202eright"]}
    print_json(value)
    said = capsys.readouterr().out
    assert said.isascii()
    assert said.rstrip("\n").isprintable()
    assert json.loads(said) == value


def test_what_is_not_finite_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"numbers": {"low": -math.inf, "high": 1.5}, "curve": [(0, math.nan)], "n": 3})
    said = capsys.readouterr().out
    assert said == '{"numbers": {"low": null, "high": 1.5}, "curve": [[0, null]], "n": 3}\n'


def test_a_program_gets_a_line_a_row_with_tabs_between(capsys: pytest.CaptureFixture[str]) -> None:
    table(("a", "b"), [("x" * 300, "one\ntwo")])
    assert capsys.readouterr().out == f"a\tb\n{'x' * 300}\tone\\ntwo\n"


def test_a_person_gets_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    table(("tag", "n"), [("A-1000", "2"), ("B", "30")])
    assert capsys.readouterr().out == "tag     n\nA-1000  2\nB       30\n"


def test_letters_that_are_wide_stand_in_their_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    table(("lot", "n"), [("铅-1", "2"), ("e\u0301", "30"), ("PB-100", "4")])
    assert capsys.readouterr().out == "lot     n\n铅-1    2\ne\u0301       30\nPB-100  4\n"
