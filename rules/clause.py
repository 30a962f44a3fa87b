"""What a pack consists of: rules, limits and overlays, each read from its table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from string import Formatter
from typing import Any, Final

from lots.terms import Commodity, Form, Phase, SiteRegion
from rules import keys
from rules.expression import Condition, condition
from rules.keys import Misfit, listed, meant, under
from rules.knowledge import HANDS_ON
from rules.rule import SUBJECTS, Foretelling, Level, Limit, Overlay, Rule, Severity, Silence, Step
from rules.scope import Scope
from rules.signals import FORESEEN

TEXT_FIELDS: Final = frozenset({"lot", "hours_silent"})
"""What texts may have besides signals."""

_COMMON = {"title", "severity", "action", "touches", "waits", "based_on"}
_LEVEL = {"when", "clear", "for", "phases", "steps", "leaves", "actionable_for", "foreseen"}
_SILENCE = {"silent_intervals", "silent_at_least"}
_OPTIONAL = {
    "touches",
    "waits",
    "for",
    "phases",
    "steps",
    "leaves",
    "actionable_for",
    "foreseen",
    "silent_at_least",
}
_STEP = {"severity", "when", "clear", "for", "title", "action", "touches", "waits"}
_WORSE = tuple(Severity)


def scope(applies: object) -> Scope:
    applies = {} if applies is None else applies
    if not isinstance(applies, dict) or applies.keys() - {"commodity", "form"}:
        raise Misfit("is a table with 'commodity' and 'form'")
    return Scope(
        _members("commodity", applies.get("commodity"), Commodity),
        _members("form", applies.get("form"), Form),
    )


def _members(key: str, given: object, kind: type[StrEnum]) -> frozenset[str]:
    if given is None:
        return frozenset(kind)
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not names or any(name not in list(kind) for name in names):
        raise Misfit(f"{key} is {given!r}; it is one or a list of {', '.join(kind)}", key)
    return frozenset(names)


def limit(name: str, body: object, applies: Scope) -> Limit:
    known = {"value", "unit", "about"}
    found = keys.table(body, known, known)
    unit, about = (keys.text(key, found[key]) for key in ("unit", "about"))
    return Limit(name, keys.number("value", found["value"]), unit, about, applies)


def overlay(
    body: object, limits: Sequence[str], applies: Scope, name_of: Callable[[str, object], str]
) -> Overlay:
    """``name_of``: key and what stands there -> a name (`keys.name`)."""
    if not isinstance(body, dict) or body.keys() != {"for", "limits"}:
        raise Misfit("has 'for', whom it concerns, and 'limits', other values of them")
    with under("for"):
        subject = _subject(body["for"], name_of)
    with under("limits"):
        values = body["limits"]
        if not isinstance(values, dict) or not values:
            raise Misfit("is a table of limits of this pack and their values")
        for name in sorted(values.keys() - set(limits), key=str):
            there = f"there is no limit {str(name)!r} in this pack{meant(name, limits)}"
            raise Misfit(f"{there}; there are {listed(limits) or 'none'}", name)
        numbers = {name: keys.number(name, value) for name, value in values.items()}
    return Overlay(subject, numbers, applies)


def _subject(given: object, name_of: Callable[[str, object], str]) -> dict[str, str]:
    if not isinstance(given, dict) or not given.keys() & set(SUBJECTS):
        raise Misfit(f"is a table with one or more of {', '.join(SUBJECTS)}")
    found = keys.table(given, (*SUBJECTS, "tenant"))
    if found.keys() & {"customer", "lot"} and "tenant" not in found:
        raise Misfit("a customer or a lot is of a 'tenant': name it too")
    if "region" in found:
        keys.member("region", found["region"], SiteRegion)
    return {key: name_of(key, value) for key, value in found.items()}


def rule(name: str, body: object, applies: Scope, names: Collection[str]) -> Rule:
    """``names``: what conditions and texts may read."""
    is_silence = isinstance(body, dict) and "silent_intervals" in body
    known = _COMMON | (_SILENCE if is_silence else _LEVEL)
    found = keys.table(body, known, known - _OPTIONAL)
    steps, above = [_step(found, names)], dict(found)
    further = found.get("steps", [])
    if not isinstance(further, list):
        raise Misfit("steps: is a list of steps that are more severe", "steps")
    for number, each in enumerate(further):
        with under("steps", number):
            steps.append(_further(each, above, steps[-1], names))
            above |= each  # what the next one leaves out is as here
    return Rule(
        name=name,
        steps=tuple(steps),
        based_on=_text("based_on", found["based_on"], names),
        scope=applies,
        phases=_phases(found.get("phases", [])),
        actionable_ms=keys.span_ms("actionable_for", found.get("actionable_for", "1 d")),
        foreseen=_foretelling(found, names) if "foreseen" in found else None,
    )


def _foretelling(above: Mapping[str, Any], names: Collection[str]) -> Foretelling:
    """Of the rule ``above``, whose action says whether what to do touches the goods."""
    with under("foreseen"):
        known = {"title", "action", "harm"}
        body = keys.table(above["foreseen"], known, known)
        more = [*names, *FORESEEN]
        touching = {"touches": above.get("touches", False)} | body
        harm = keys.text("harm", body["harm"])
        return Foretelling(_title(body["title"], more), _action(touching, more)[0], harm)


def _step(body: Mapping[str, Any], names: Collection[str]) -> Step:
    severity = Severity(keys.member("severity", body["severity"], Severity))
    title = _title(body["title"], names)
    action, touches = _action(body, names)
    waits = keys.flag("waits", body.get("waits", True))
    if touches and not waits:
        raise Misfit("waits: what touches the goods waits for a hold; leave it out", "waits")
    test = _silence(body) if "silent_intervals" in body else _level(body, names)
    return Step(severity, title, action, touches, waits, test)


def _further(given: object, above: Mapping[str, Any], before: Step, names: Collection[str]) -> Step:
    """A step that is more severe than the one ``before``; texts that it leaves out are as
    ``above``."""
    body = keys.table(given, _STEP, {"severity", "when", "clear"})
    texts = {key: above[key] for key in ("title", "action", "touches", "waits") if key in above}
    found = _step(texts | body, names)
    if _WORSE.index(found.severity) <= _WORSE.index(before.severity):
        why = f"it is more severe than {before.severity}, of the step before it"
        raise Misfit(f"severity is {found.severity.value!r}; {why}", "severity")
    return found


def _title(given: object, names: Collection[str]) -> str:
    """A title is told under a hold too."""
    said = _text("title", given, names)
    if word := HANDS_ON.search(said):
        why = "a title says what is happening: what to do goes into action"
        raise Misfit(f"title: {word[0]!r} may not be said while a hold is on; {why}", "title")
    return said


def _action(body: Mapping[str, Any], names: Collection[str]) -> tuple[str, bool]:
    """What to do, and whether that is held back under a hold."""
    said = _text("action", body["action"], names)
    touches = keys.flag("touches", body.get("touches", False))
    word = HANDS_ON.search(said)
    if word and not touches:
        why = "add 'touches: true', so that it is not"
        raise Misfit(f"action: {word[0]!r} may not be said while a hold is on; {why}", "action")
    return said, touches


def _phases(given: object) -> frozenset[Phase]:
    if not isinstance(given, list) or any(phase not in list(Phase) for phase in given):
        raise Misfit(f"phases is {given!r}; it is a list of {', '.join(Phase)}", "phases")
    return frozenset(map(Phase, given))


def _level(body: Mapping[str, Any], names: Collection[str]) -> Level:
    delay = keys.span_ms("for", body.get("for", "0 min"))
    opens, clears = (_condition(key, body[key], names) for key in ("when", "clear"))
    leaves = _condition("leaves", body["leaves"], names) if "leaves" in body else None
    return Level(opens, clears, delay, leaves)


def _condition(key: str, said: object, names: Collection[str]) -> Condition:
    with under(key):
        return condition(str(said), names)


def _silence(body: Mapping[str, Any]) -> Silence:
    intervals = keys.number("silent_intervals", body["silent_intervals"], 1, 1000)
    return Silence(
        intervals, keys.span_ms("silent_at_least", body.get("silent_at_least", "30 min"))
    )


def _text(key: str, given: object, names: Collection[str]) -> str:
    """A text whose fields are plain signals: no attribute or index reaches into the program, and
    nothing is left that could fail when it is filled in."""
    said = keys.text(key, given)
    with under(key):
        try:
            parts = list(Formatter().parse(said))
        except ValueError as error:
            raise Misfit(f"{error} (write {{{{ and }}}} for the signs themselves)") from error
        known = TEXT_FIELDS.union(names)
        for _, field, form, conversion in parts:
            if field is None:
                continue
            if field not in known:
                there = f"there is no {{{field}}} to fill in{meant(field, known)}"
                raise Misfit(f"{there}; there are {listed(known)}")
            if form or conversion:
                raise Misfit(f"numbers are rounded already: write {{{field}}} alone")
    return said
