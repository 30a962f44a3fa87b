"""The page says of every alert and every figure what there is."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

from cli.worker import Worker
from lots.settings import Settings
from operations import alerts
from operations.conditions import CONDITIONS, EVENT_OPEN_S, STUCK_S, Limits

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def test_every_alert_is_on_the_page_with_its_severity() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \| (critical|warning) \|", PAGE, re.MULTILINE)
    assert rows == [(condition.name, condition.severity) for condition in CONDITIONS]


def test_the_times_on_the_page_are_those_of_the_code() -> None:
    assert f"well for {Limits().clear_s:g} s" in PAGE
    assert f"open for {EVENT_OPEN_S / 60:g} minutes" in PAGE
    assert f"come round for {STUCK_S:g} s" in PAGE


def test_the_limits_of_the_settings_are_the_limits() -> None:
    settings, limits = Settings(), Limits()
    assert settings.watch_lag_s == limits.lag_s
    assert settings.watch_fill_pct / 100 == limits.fill
    assert settings.watch_disk_free_mb * 1_000_000 == limits.disk_free_bytes


def test_every_figure_of_the_watch_is_on_the_page(tmp_path: Path) -> None:
    worker = Worker(Settings(data=tmp_path, broker_url="mqtt://127.0.0.1:1", worker_port=0))
    told = {f.name + "_total" * f.counter for f in worker._watch.figures()}
    worker.stop()
    worker.run()
    section = PAGE.split("## Figures\n")[1]
    named = set(re.findall(r"`(dunnage_\w+)", section)) - {"dunnage_dead_letters_total"}
    assert named == told


def test_the_message_on_the_page_is_of_the_form_that_is_sent() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    shown = json.loads(text)
    alert = alerts.opened("w", "store.away", 1, "t", {})
    sent = alerts.Notice(alert, "opened", 1).payload
    assert shown.keys() == sent.keys()
    assert shown["data"].keys() == sent["data"].keys()
    assert {field.name for field in fields(alerts.Alert)} > shown["data"].keys() - {"severity"}
