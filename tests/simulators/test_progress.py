"""A bar where there is a terminal, plain lines where there is none."""

from __future__ import annotations

import pytest

from simulators.progress import progress


def test_plain_lines_come_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr("simulators.progress.LINE_S", 0.0)
    with progress("9 tags", 200) as tell:
        tell(50, "5 a second")
    assert capsys.readouterr().err == "9 tags: 25 %, 5 a second\n"
    monkeypatch.setattr("simulators.progress.LINE_S", 60.0)
    with progress("9 tags", 200) as tell:
        tell(100, "5 a second")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("done", [0, 200])
def test_a_terminal_gets_a_bar(capsys, monkeypatch, done):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("9 tags", 200) as tell:
        tell(done, "5 a second")
    assert "9 tags" in capsys.readouterr().err
