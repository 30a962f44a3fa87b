"""What `dunnage evaluate` says: figures of rules and baselines, as JSON and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from rich import box
from rich.table import Table

from cli.evaluated_data import DataReport
from cli.evaluated_journey import Played
from cli.evaluated_lot import PlayedLot, wet_limit_h
from cli.evaluation_baselines import BASELINES
from cli.evaluation_details import besides, details
from lots.terms import Commodity
from rules.furnace import DRYING_H
from rules.rule import Rules
from rules.scoring import Furnace, Tally, chosen, furnace, scored, unfit

FURNACE: Final = "lead.furnace"
OUTCOMES: Final = ("hit", "late", "standing", "untold", "unheard")


class Scored(NamedTuple):
    """A rule, or a baseline beside it, on the part that is judged."""

    what: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Report:
    """What was ``played`` and is judged, what was ``tuned`` on, and what is to be said of it."""

    rules: Rules
    part: str
    seeds: Sequence[int]
    played: Sequence[Played]
    tuned: Sequence[Played]
    data: DataReport

    def has(self, rule: str) -> bool:
        return any(each.name == rule for each in self.rules.rules)

    def scored(self, rule: str) -> dict[str, Scored] | None:
        """The rule itself as ``rule``, and its baselines by their names; None where there is no
        such rule, or nothing to tell of is known."""
        lots, tuned = _about(self.played, rule), _about(self.tuned, rule)
        if not self.has(rule) or not lots:
            return None
        found = {"rule": Scored(rule, tally(lots, rule, rule))}
        recall = tally(tuned, rule, rule).recall
        for name, several in BASELINES[rule].items():
            best = chosen({each: tally(tuned, rule, each.rule) for each in several}, recall)
            found[name] = Scored(best.what, tally(lots, rule, best.rule))
        found["given_truth"] = Scored("the rule, given the truth", _given_truth(lots, rule))
        return found

    def furnace(self) -> Furnace | None:
        """None where there is no lead."""
        lots = [lot for each in self.played for lot in each.lots if lot.commodity == Commodity.LEAD]
        if not lots:
            return None
        truly = (unfit(lot.water, DRYING_H) for lot in lots)
        each = (furnace(lot.whole, of, lot.not_fit) for lot, of in zip(lots, truly, strict=True))
        return sum(each, Furnace())

    def words(self) -> Iterator[str]:
        """What a reader of the figures has to know."""
        for rule in BASELINES:
            if not self.has(rule):
                yield f"There is no rule {rule} in the packs: it is not scored."
            elif rule == "lead.wet" and wet_limit_h(self.rules) is None:
                yield f"{rule} is not scored: its when has no 'wet_hours >= HOURS' to judge by."
            elif not _about(self.played, rule):
                yield f"{rule} is not scored: these journeys have nothing that it is to tell of."
        yield from self.data.words

    def as_json(self) -> dict[str, Any]:
        """The last line."""
        found: dict[str, Any] = {}
        for rule in BASELINES:
            of = self.scored(rule)
            found[rule] = None
            if of is not None:
                found[rule] = _figures(of.pop("rule").tally) | {
                    name: {"what": each.what} | _figures(each.tally) for name, each in of.items()
                }
        melt = self.furnace()
        found[FURNACE] = None
        if melt is not None:
            found[FURNACE] = {
                "unfit_lots": melt.unfit_lots,
                "shown_otherwise": melt.shown_otherwise,
                "shown_late": melt.shown_late,
                "shown_otherwise_h": _rounded(melt.missed_h),
                "needless_not_fit": _rounded(melt.needless),
            }
        return {
            "seeds": list(self.seeds),
            "part": self.part,
            "journeys": sorted({each.journey for each in self.played}),
            "rules": found,
            "data": self.data.figures,
        }

    def tables(self) -> Iterator[Table]:
        """For people."""
        yield self._of_rules()
        yield self._of_journeys()
        melt = self.furnace()
        if melt is not None:
            yield _of_furnace(melt)
        if self.data.figures:
            yield self.data.table()

    def _of_rules(self) -> Table:
        seeds = f"{self.seeds[0]} to {self.seeds[-1]}"
        table = _table(
            f"Alerts beside the truth: the {self.part} part, seeds {seeds}",
            "rule", "events", "precision", "recall", "of those heard", "median lead, h",
            "false a lot-month",
        )  # fmt: skip
        for rule in BASELINES:
            for name, (what, found) in (self.scored(rule) or {}).items():
                cells = (
                    found.precision,
                    found.recall,
                    found.recall_heard,
                    found.median_lead_h,
                    found.false_per_lot_month,
                )
                shown = ["–" if cell is None else f"{cell:.2f}" for cell in cells]
                its = name == "rule"
                title = what if its else f"  {what}"
                table.add_row(title, str(found.events), *shown, style="bold" if its else "")
        return table

    def _of_journeys(self) -> Table:
        """Where hits, misses and false pages are."""
        table = _table("By journey", "journey", "rule", "events", *OUTCOMES, "false pages")
        counts: dict[tuple[str, str], Counter[str]] = {}
        for row in details(self.played):
            counts.setdefault((row.journey, row.rule), Counter())[row.outcome] += 1
        for (key, rule), of in sorted(counts.items()):
            shown = [str(of[each] or "–") for each in (*OUTCOMES, "false")]
            table.add_row(key, rule, str(of.total() - of["false"]), *shown)
        return table


def tally(lots: Iterable[PlayedLot], rule: str, told_by: str) -> Tally:
    """How well the pages of ``told_by`` tell of what ``rule`` is to tell of."""
    return sum(
        (
            scored(lot.events[rule], lot.pages.get(told_by, ()), lot.hours, besides(lot, rule))
            for lot in lots
        ),
        Tally(),
    )


def _given_truth(lots: Iterable[PlayedLot], rule: str) -> Tally:
    """How well the rule would do that knew the true air and metal, of which all is heard."""
    knew = []
    for lot in lots:
        events = tuple(event._replace(heard=True) for event in lot.events[rule])
        knew.append(replace(lot, events={rule: events}, pages=lot.given_truth))
    return tally(knew, rule, rule)


def _about(played: Iterable[Played], rule: str) -> list[PlayedLot]:
    return [lot for each in played for lot in each.lots if rule in lot.events]


def _figures(found: Tally) -> dict[str, Any]:
    return {
        "precision": _rounded(found.precision),
        "recall": _rounded(found.recall),
        "median_lead_h": _rounded(found.median_lead_h),
        "false_per_lot_month": _rounded(found.false_per_lot_month),
        "recall_heard": _rounded(found.recall_heard),
        "events": found.events,
        "heard": found.heard,
        "hits": found.hits,
        "pages": found.pages,
        "false": found.false,
        "lot_hours": round(found.lot_hours),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _of_furnace(melt: Furnace) -> Table:
    table = _table(
        "Furnace", "lots not fit at some time", "of them shown otherwise", "but only 30 min late",
        "so long, h",
        "share of the rest shown as not fit",
    )  # fmt: skip
    share = "–" if melt.needless is None else f"{melt.needless:.2f}"
    lots = (str(each) for each in (melt.unfit_lots, melt.shown_otherwise, melt.shown_late))
    table.add_row(*lots, f"{melt.missed_h:.1f}", share)
    return table


def _table(title: str, *columns: str) -> Table:
    return Table(
        *columns, title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold"
    )
