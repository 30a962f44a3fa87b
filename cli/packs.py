"""`dunnage rules`: the packs and their own timelines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.rule import Level, Rule, Rules, Silence
    from rules.trial import Alert, Outcome

app = typer.Typer(help="Rules: what raises alerts.", no_args_is_help=True)

Folder = Annotated[
    Path | None,
    typer.Argument(help="A folder of packs (.yaml); else those of the settings."),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, a line each.")]


@app.command("list")
def list_rules(folder: Folder = None, as_json: AsJson = False) -> None:
    """All rules in force: what opens an alert, what clears it, for which goods."""
    from cli.terminal import print_json, table

    rows = [row for rule in _rules(folder).rules for row in _rows(rule)]
    if as_json:
        for row in rows:
            print_json(row)
    else:
        table(tuple(rows[0]) if rows else (), (tuple(row.values()) for row in rows))


@app.command("check")
def check_packs(folder: Folder = None) -> None:
    """Whether packs can be used: else file, line, rule and remedy."""
    from rules.trial import trials

    rules = _rules(folder)
    print(
        f"{len(rules.rules)} rules, {len(rules.derived)} derived quantities,"
        f" {len(rules.limits)} limits, {len(trials(rules))} timelines: all can be used"
    )


@app.command("test")
def play_timelines(folder: Folder = None, as_json: AsJson = False) -> None:
    """Play the timelines that packs carry; ends with status 1 where other alerts came."""
    from cli.terminal import print_json
    from rules.trial import run, trials

    rules = _rules(folder)
    outcomes = [run(trial, rules) for trial in trials(rules)]
    for outcome in outcomes:
        if as_json:
            print_json(_data(outcome))
        else:
            print(_text(outcome))
    failed = sum(bool(outcome.wrong) for outcome in outcomes)
    if not as_json:
        print(f"{len(outcomes) - failed} passed, {failed} failed")
    raise typer.Exit(1 if failed else 0)


@app.command()
def explain(
    lot: Annotated[str, typer.Argument(help="Its id.")],
    tenant: Annotated[str, typer.Option(help="Whose it is.")] = "default",
    rule: Annotated[str | None, typer.Option(help="This one alone, such as lead.sweat.")] = None,
    as_json: AsJson = False,
) -> None:
    """Why each rule is or is not firing for a lot: its numbers, what is unknown, what it waits for.

    Folds the lot's stored readings with the rules of the settings, as the worker does; what is not
    stored yet is not in it.
    """
    from cli.explaining import explain as tell

    tell(lot, tenant, rule, as_json)


def _rules(folder: Path | None) -> Rules:
    from cli.parts import rules_of
    from lots.settings import load
    from rules import pack

    return rules_of(load()) if folder is None else pack.load(folder)


def _rows(rule: Rule) -> Iterator[dict[str, str]]:
    """A row for each of its steps."""
    for step in rule.steps:
        yield {
            "rule": rule.name,
            "severity": str(step.severity),
            **_test(step.test),
            "commodity": ", ".join(sorted(rule.scope.commodities)),
            "form": ", ".join(sorted(rule.scope.forms)),
            "phases": ", ".join(sorted(rule.phases)) or "all",
        }


def _test(test: Level | Silence) -> dict[str, str]:
    from rules.rule import Level

    if isinstance(test, Level):
        opens, clears, after = test.opens.text.strip(), test.clears.text.strip(), test.delay_ms
    else:
        opens, clears, after = "nothing was heard", "something is heard", test.least_ms
    wait = f"{after / 3_600_000:g} h" if after else "at once"
    return {"opens": opens, "after": wait, "clears": clears}


def _data(outcome: Outcome) -> dict[str, object]:
    def told(alerts: Mapping[str, Sequence[Alert]]) -> dict[str, object]:
        return {
            rule: [{"stages": one.stages, "clears": one.clears} for one in its]
            for rule, its in alerts.items()
        }

    return {
        "timeline": outcome.trial.name,
        "passed": not outcome.wrong,
        "expected": told(outcome.trial.expects),
        "came": told(outcome.alerts),
    }


def _text(outcome: Outcome) -> str:
    if not outcome.wrong:
        return f"passed  {outcome.trial.name}"
    lines = [f"FAILED  {outcome.trial.name}"]
    for rule in outcome.wrong:
        expected, came = outcome.trial.expects.get(rule, ()), outcome.alerts.get(rule, ())
        lines.append(f"        {rule}: expected {_spans(expected)}, came {_spans(came)}")
    return "\n".join(lines)


def _spans(alerts: Sequence[Alert]) -> str:
    return ", ".join(map(_span, alerts)) or "none"


def _span(alert: Alert) -> str:
    """Severities are told where there is more than one."""
    ends = "the end" if alert.clears is None else f"{alert.clears:g} h"
    (opens, _), *further = alert.stages
    if not further:
        return f"{opens:g} h to {ends}"
    stages = ", ".join(f"{how} from {hour:g} h" for hour, how in alert.stages)
    return f"{stages} to {ends}"
