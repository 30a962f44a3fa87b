"""What the demo shows: asked of the API and of the worker's metrics, as anyone could."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.processes import Child, ChildFailed

REFRESH_S = 0.5
PLAIN_S = 5.0
ALERTS_SHOWN = 6
LOTS_SHOWN = 12
COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


@dataclass(slots=True)
class View:
    """The demo as seen from outside; `refresh` asks again."""

    address: str
    key: str
    worker: str
    begun: float
    stored: int = 0
    rate: float = 0.0
    lag: float = 0.0
    alerts: int = 0
    open_alerts: list[dict[str, Any]] = field(default_factory=list)
    lots: list[dict[str, Any]] = field(default_factory=list)
    first_alert_s: float | None = None
    _counted_at: float = 0.0
    _seen: set[str] = field(default_factory=set)

    def refresh(self) -> None:
        """Ask the worker and the API; what does not answer keeps its last figures."""
        try:
            self._ask_worker()
            self._ask_api()
        except httpx.HTTPError:
            return

    def _ask_worker(self) -> None:
        figures = {
            sample.name: sample.value
            for family in text_string_to_metric_families(_get(f"{self.worker}/metrics").text)
            for sample in family.samples
        }
        stored, now = int(figures["dunnage_readings_stored_total"]), monotonic()
        if self._counted_at:
            now_rate = (stored - self.stored) / max(now - self._counted_at, 1e-3)
            self.rate = 0.7 * self.rate + 0.3 * now_rate
        self.stored, self._counted_at = stored, now
        self.lag = figures["dunnage_store_lag_bytes"] + figures["dunnage_rules_lag_bytes"]

    def _ask_api(self) -> None:
        self.open_alerts = self._items("/v1/alerts?open=true&limit=100")
        # The newest page is enough: more than 200 do not come between two looks.
        self._seen |= {alert["id"] for alert in self._items("/v1/alerts?limit=200")}
        self.alerts = len(self._seen)
        self.lots = self._items("/v1/lots?limit=200")
        if self.first_alert_s is None and self.alerts:
            self.first_alert_s = round(monotonic() - self.begun, 1)

    def _items(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = _get(self.address + path, self.key).json()["items"]
        return items

    def render(self) -> RenderableType:
        """The table: figures, lots at risk and why, alerts and what to do, and a way in."""
        return Group(self._figures(), self._risks(), self._alerts(), self._way_in())

    def line(self) -> str:
        """The same in one line, for a terminal that is none."""
        states = self._states()
        return (
            f"{monotonic() - self.begun:5.0f} s  {self.stored} readings stored, "
            f"{self.rate:.0f}/s; lots at risk {states['at_risk']}, ok {states['ok']}, "
            f"unknown {states['unknown']}; alerts {self.alerts}, open {len(self.open_alerts)}"
        )

    def _states(self) -> Counter[str]:
        return Counter(lot["now"]["status"] for lot in self.lots)

    def _figures(self) -> RenderableType:
        states = self._states()
        return Text.assemble(
            (f"{self.rate:7.0f} readings/s", "bold"),
            f"   {self.stored} stored   {len(self.lots)} lots: ",
            (f"{states['at_risk']} at risk", "bold red" if states["at_risk"] else ""),
            f", {states['ok']} ok, {states['unknown']} unknown   ",
            f"{len(self.open_alerts)} alerts open, {self.alerts} in all",
        )

    def _risks(self) -> RenderableType:
        table = Table("lot", "what", "air °C", "%RH", "dew point", "margin K", "mould", "why")
        at_risk = [lot for lot in self.lots if lot["now"]["status"] == "at_risk"]
        for lot in at_risk[:LOTS_SHOWN]:
            numbers = lot["now"]["numbers"]
            names = ("temperature", "humidity", "dew_point", "margin", "mould_index")
            cells = [f"{numbers[name]:.1f}" if name in numbers else "–" for name in names]
            what = f"{lot['commodity']} {lot['form']}"
            table.add_row(lot["id"], what, *cells, lot["now"]["why"])
        more = len(at_risk) - LOTS_SHOWN
        return Panel(table, title="Lots at risk" + (f" (and {more} more)" if more > 0 else ""))

    def _alerts(self) -> RenderableType:
        table = Table("since (UTC)", "alert", "what to do", expand=True)
        for alert in self.open_alerts[:ALERTS_SHOWN]:
            title = Text(alert["title"], style=COLOURS.get(alert["severity"], ""))
            table.add_row(alert["opened"][5:16].replace("T", " "), title, alert["action"])
        return Panel(table, title="Newest open alerts")

    def _way_in(self) -> RenderableType:
        lot = next((a["lot"] for a in self.open_alerts), self.lots[0]["id"] if self.lots else "")
        return Text(
            f"API on {self.address}, its routes in docs/api.md   Ctrl-C ends the demo\n"
            f'curl -H "Authorization: Bearer {self.key}" '
            f'"{self.address}/v1/lots/{lot}/history?points=24"',
            overflow="fold",
        )


def live(
    view: View,
    console: Console,
    fleet: Child,
    stop: threading.Event,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Show ``view`` until ``stop`` or ``seconds`` are over; raises `ChildFailed` with the fleet."""
    ends = monotonic() + seconds if seconds is not None else float("inf")
    if as_json or not console.is_terminal:
        _plain(view, console, fleet, stop, ends)
        return
    with Live(console=console, refresh_per_second=4, screen=False) as shown:
        while not stop.wait(REFRESH_S) and monotonic() < ends:
            _check(fleet)
            view.refresh()
            shown.update(view.render())


def _plain(view: View, console: Console, fleet: Child, stop: threading.Event, ends: float) -> None:
    due = 0.0
    told = 0
    while not stop.wait(REFRESH_S) and monotonic() < ends:
        _check(fleet)
        view.refresh()
        for alert in view.open_alerts[: 3 if told < 3 else 0]:
            console.print(f"ALERT {alert['title']}\n      {alert['action']}", markup=False)
            told += 1
        if monotonic() >= due:
            console.print(view.line(), markup=False, highlight=False)
            due = monotonic() + PLAIN_S


def _check(fleet: Child) -> None:
    if not fleet.running:
        raise ChildFailed("the fleet of tags ended:\n" + "\n".join(fleet.lines[-15:]))


def _get(url: str, key: str | None = None) -> httpx.Response:
    head = {"authorization": f"Bearer {key}"} if key else {}
    answer = httpx.get(url, headers=head, timeout=5.0)
    return answer.raise_for_status()
