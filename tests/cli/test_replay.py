"""`dunnage replay`: what cannot be published is told; that it arrives, `test_run` shows."""

from __future__ import annotations

import pytest

from tests.cli.shell import Shell, refused
from tests.servers import Mosquitto

NOWHERE = "mqtt://127.0.0.1:9"
ROW = "time,sensor,temperature,humidity\n2026-01-01T00:00Z,A,1,2\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["missing.csv"], "missing.csv cannot be read"),
        (["."], ". cannot be read"),
        (["other.csv"], "no column of time"),
        (["log.csv"], "no broker can be reached at 127.0.0.1:9"),
        (["log.csv", "--timezone", "Mars"], "--timezone 'Mars'"),
        (["log.csv", "--tenant", "a/b"], "--tenant 'a/b'"),
    ],
)
def test_what_cannot_be_published_is_told(shell: Shell, words: list[str], told: str) -> None:
    (shell.folder / "log.csv").write_text(ROW)
    (shell.folder / "other.csv").write_text("a,b\n1,2\n")
    assert told in shell.refusal("replay", *words, DUNNAGE_BROKER_URL=NOWHERE)


@pytest.mark.parametrize("url", ["http://h", "mqtts://h?cert=x"])
def test_a_broker_that_is_none_is_told_by_its_setting(shell: Shell, url: str) -> None:
    (shell.folder / "log.csv").write_text(ROW)
    assert "DUNNAGE_BROKER_URL" in shell.refusal("replay", "log.csv", DUNNAGE_BROKER_URL=url)


def test_rows_that_are_no_readings_are_told_and_the_others_published(
    shell: Shell, mosquitto: Mosquitto
) -> None:
    (shell.folder / "log.csv").write_text(f"{ROW}yesterday,A,1,2\n2026-01-01T00:01Z,A,2,3\n")
    done = shell.process("replay", "log.csv", "--recorded", DUNNAGE_BROKER_URL=mosquitto.url)
    assert done.stdout == b'{"messages": 1, "readings": 2, "skipped": 1}\n'
    assert "log.csv, line 3, time: 'yesterday' is not a time" in refused(done)
