"""`dunnage rules`, as it is typed."""

from __future__ import annotations

import json

from rules.pack import load
from tests.cli.shell import Shell
from tests.rules.test_trial import PACK


def test_all_rules_are_listed(shell: Shell) -> None:
    rows = [json.loads(line) for line in shell.says("rules", "list", "--json").splitlines()]
    assert [row["rule"] for row in rows] == [rule.name for rule in load().rules]
    damp = [row for row in rows if row["rule"] == "wool.damp"]
    assert [row["form"] for row in damp] == ["cashmere", "greasy", "scoured, tops"]
    assert {row["opens"] for row in damp} == {"regain > damp_regain"}
    assert {row["after"] for row in damp} == {"6 h"}
    assert shell.says("rules", "list").splitlines()[0].startswith("rule\tseverity\topens")


def test_packs_are_checked(shell: Shell) -> None:
    assert "all can be used" in shell.says("rules", "check")
    (shell.folder / "mine").mkdir()
    file = shell.folder / "mine" / "my.yaml"
    file.write_text(PACK, encoding="utf-8")
    said = shell.says("rules", "check", "mine")
    assert said == "1 rules, 0 derived quantities, 1 limits, 1 timelines: all can be used\n"
    file.write_text(PACK.replace("value: 40", "value: hot"), encoding="utf-8")
    assert "my.yaml, line 4: hottest: value is 'hot'" in shell.refusal("rules", "check", "mine")
    file.write_text(PACK.replace("every: 1 h", "every: 1"), encoding="utf-8")
    assert "my.yaml, line 18: a hot day: every: 1 is not a time" in shell.refusal(
        "rules", "check", "mine"
    )


def test_timelines_are_played(shell: Shell) -> None:
    assert "FAILED" not in shell.says("rules", "test")
    (shell.folder / "mine").mkdir()
    file = shell.folder / "mine" / "my.yaml"
    file.write_text(PACK.replace("[[7, 14]]", "[[9, 14], [16]]"), encoding="utf-8")
    done = shell("rules", "test", "mine")
    assert done.returncode == 1
    assert done.stdout.decode().splitlines() == [
        "FAILED  a hot day",
        "        test.hot: expected 9 h to 14 h, 16 h to the end, came 7 h to 14 h",
        "0 passed, 1 failed",
    ]
    line = json.loads(shell("rules", "test", "mine", "--json").stdout)
    assert line["passed"] is False
    assert line["came"] == {"test.hot": [{"stages": [[7.0, "warning"]], "clears": 14.0}]}
