"""From what a fleet's record and the API say to a line of the table."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.comparison import Compared, compared
from tests.faults.fleet import Record
from tests.faults.stage import Probes, Stage, spread
from tests.faults.table import KEPT, Row

PATIENCE_S = 120.0


def judged(
    stage: Stage,
    name: str,
    done: str,
    record: Record,
    probes: Probes | None = None,
    patience_s: float = PATIENCE_S,
) -> Row:
    """Whether all of ``record`` is there once, and each probe that was fired alerted once."""
    found, took = compared(stage.house, record, patience_s)
    row = row_of(name, done, found)
    row = replace(row, figures={"all there after": f"{took:.0f} s"})
    return row if probes is None else _with_alerts(row, probes)


def row_of(name: str, done: str, found: Compared) -> Row:
    return Row(name, done, found, verdict=KEPT if found.kept else str(found))


def _with_alerts(row: Row, probes: Probes) -> Row:
    latencies = probes.latencies()
    fired, alerts, told = probes.alerts()
    figures = {
        **row.figures,
        "alerts": f"{alerts} of {fired} lots, told under {told} ids",
        "from reading to alert": spread(latencies),
    }
    row = replace(row, figures=figures)
    if fired == alerts == told or row.failed:
        return row
    wrong = f"{fired} lots had to alert: there are {alerts} alerts, {told} were told"
    return replace(row, verdict=wrong)
