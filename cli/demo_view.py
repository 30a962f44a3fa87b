"""What the demo shows: asked of the API and of the worker's metrics, as anyone could."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.processes import Child

REFRESH_S = 0.5
PLAIN_S = 5.0
SIZES = ((12, 6), (10, 5), (8, 4), (6, 3), (5, 2), (3, 2), (2, 1))
"""Lots and alerts shown, by how high the terminal is."""
COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
"""Of an alert by its severity, the worst first."""


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
    truth: Callable[[], RenderableType] | None = None
    """What is really so, where that is known."""
    _counted_at: float = 0.0
    _seen: set[str] = field(default_factory=set)
    # A proxy of the user's leads elsewhere than to this machine.
    _client: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=5.0, trust_env=False)
    )

    def close(self) -> None:
        self._client.close()

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
            for family in text_string_to_metric_families(self._get(f"{self.worker}/metrics").text)
            for sample in family.samples
        }
        stored, now = int(figures["dunnage_readings_stored_total"]), monotonic()
        if self._counted_at:
            now_rate = (stored - self.stored) / max(now - self._counted_at, 1e-3)
            self.rate = 0.7 * self.rate + 0.3 * now_rate
        self.stored, self._counted_at = stored, now
        self.lag = figures["dunnage_store_lag_bytes"] + figures["dunnage_rules_lag_bytes"]

    def _ask_api(self) -> None:
        newest = self._items("/v1/alerts?open=true&limit=100")
        worst = list(COLOURS)
        self.open_alerts = sorted(newest, key=lambda alert: worst.index(alert["severity"]))
        # The newest page is enough: more than 200 do not come between two looks.
        self._seen |= {alert["id"] for alert in self._items("/v1/alerts?limit=200")}
        self.alerts = len(self._seen)
        self.lots = self._items("/v1/lots?limit=200")
        if self.first_alert_s is None and self.alerts:
            self.first_alert_s = round(monotonic() - self.begun, 1)

    def all_alerts(self) -> list[dict[str, Any]]:
        """Every alert there was, the newest first."""
        found: list[dict[str, Any]] = []
        path: str | None = "/v1/alerts?limit=1000"
        while path is not None:
            page = self._get(f"{self.address}{path}").json()
            found += page["items"]
            path = page["next"]
        return found

    def _items(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._get(self.address + path).json()["items"]
        return items

    def _get(self, url: str) -> httpx.Response:
        head = {"authorization": f"Bearer {self.key}"}
        return self._client.get(url, headers=head).raise_for_status()

    def render(self, size: tuple[int, int] = SIZES[0]) -> RenderableType:
        """Figures, lots at risk and why, alerts and what to do; ``size``: so many of each."""
        known = [] if self.truth is None else [self.truth()]
        return Group(self._figures(), *known, self._risks(size[0]), self._alerts(size[1]))

    def fitted(self, console: Console) -> RenderableType:
        """As much of it as ``console`` has lines for."""
        for size in SIZES:
            shown = self.render(size)
            if len(console.render_lines(shown)) < console.height:
                break
        return shown

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
            (f"{self.rate:.0f} readings/s", "bold"),
            f"   {self.stored} stored   {len(self.lots)} lots: ",
            (f"{states['at_risk']} at risk", "bold red" if states["at_risk"] else ""),
            f", {states['ok']} ok, {states['unknown']} unknown   ",
            f"alerts: {len(self.open_alerts)} open, {self.alerts} in all",
        )

    def _risks(self, count: int) -> RenderableType:
        table = _table("lot", "what", "air °C", "%RH", "dew point", "margin K", "mould", "why")
        at_risk = [lot for lot in self.lots if lot["now"]["status"] == "at_risk"]
        for lot in at_risk[:count]:
            numbers = lot["now"]["numbers"]
            names = ("temperature", "humidity", "dew_point", "margin", "mould_index")
            cells = [f"{numbers[name]:.1f}" if name in numbers else "–" for name in names]
            what = f"{lot['commodity']} {lot['form']}"
            table.add_row(lot["id"], what, *cells, lot["now"]["why"])
        more = len(at_risk) - count
        table.title = "Lots at risk" + (f" (and {more} more)" if more > 0 else "")
        return table

    def _alerts(self, count: int) -> RenderableType:
        table = _table("since (UTC)", "alert", "what to do")
        table.title = "Newest open alerts, the worst first"
        for alert in self.open_alerts[:count]:
            title = Text(alert["title"], style=COLOURS.get(alert["severity"], ""))
            table.add_row(alert["opened"][5:16].replace("T", " "), title, alert["action"])
        return table


def _table(*columns: str) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")


def live(
    view: View,
    console: Console,
    children: Sequence[Child],
    stop: threading.Event,
    seconds: float | None,
    as_json: bool,
    ends_with: Child | None = None,
) -> None:
    """Show ``view`` until ``stop`` or ``seconds`` are over, or ``ends_with`` has done its work.

    Raises `ChildFailed` when another ends.
    """
    ends = monotonic() + seconds if seconds is not None else float("inf")
    if as_json or not console.is_terminal:
        _plain(view, console, children, stop, ends, ends_with)
        return
    with Live(console=console, auto_refresh=False) as shown:
        while not stop.wait(REFRESH_S) and monotonic() < ends:
            if _over(children, ends_with):
                return
            view.refresh()
            shown.update(view.fitted(console), refresh=True)


def _plain(
    view: View,
    console: Console,
    children: Sequence[Child],
    stop: threading.Event,
    ends: float,
    ends_with: Child | None,
) -> None:
    say = partial(console.print, soft_wrap=True, markup=False, highlight=False)
    due = 0.0
    told = 0
    while not stop.wait(REFRESH_S) and monotonic() < ends:
        if _over(children, ends_with):
            return
        view.refresh()
        for alert in view.open_alerts[: 3 if told < 3 else 0]:
            say(f"ALERT {alert['title']}\n      {alert['action']}")
            told += 1
        if monotonic() >= due:
            say(view.line())
            due = monotonic() + PLAIN_S


def _over(children: Sequence[Child], ends_with: Child | None) -> bool:
    """Whether ``ends_with`` has done its work; raises `ChildFailed` for another that ended."""
    for child in children:
        if not child.running:
            if child is ends_with and child.process.poll() == 0:
                return True
            raise child.failure(f"{child.ending}, so all was stopped")
    return False
