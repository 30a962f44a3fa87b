"""Packs: the rules as YAML that a logistics engineer can read and change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from lots.errors import UserError
from lots.terms import Commodity, Form
from rules.expression import Condition, ExpressionError, condition
from rules.signals import SIGNALS

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(min|h|d)")
_UNIT_MS = {"min": 60_000, "h": 3_600_000, "d": 86_400_000}
TEXT_FIELDS = frozenset(SIGNALS) | {"lot", "hours_silent"}


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class PackError(UserError):
    """A pack cannot be used; the message names file, rule, key and remedy."""


@dataclass(frozen=True, slots=True)
class Level:
    """Opens when ``opens`` has held for ``delay_ms``, clears when ``clears`` holds."""

    opens: Condition
    clears: Condition
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Opens when a lot was not heard of for ``intervals`` of its tags', at least ``least_ms``."""

    intervals: float
    least_ms: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack. ``touches``: what to do means opening, entering or unwrapping."""

    name: str
    title: str
    severity: Severity
    test: Level | Silence
    action: str
    touches: bool
    based_on: str
    commodities: frozenset[str]
    forms: frozenset[str]

    def applies(self, commodity: str, form: str) -> bool:
        return commodity in self.commodities and form in self.forms


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules in force; ``digest`` changes when any of them does."""

    rules: tuple[Rule, ...]
    digest: str

    def of(self, commodity: str, form: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.applies(commodity, form))


def load(folder: Path | None = None) -> Rules:
    """The packs that come with Dunnage, or those of ``folder``; raises `PackError`."""
    source = files("rules.packs") if folder is None else folder
    try:
        texts = {
            entry.name: entry.read_text(encoding="utf-8")
            for entry in sorted(source.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".yaml")
        }
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"packs cannot be read from {source}: {error}") from error
    if not texts:
        raise PackError(f"{source} holds no pack: put at least one .yaml file there")
    return parse(texts)


def parse(texts: Mapping[str, str]) -> Rules:
    """Rules of packs given as file name -> YAML; raises `PackError`."""
    rules: list[Rule] = []
    for name, text in texts.items():
        rules += _pack(name, text)
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            raise PackError(f"rule {rule.name} is there twice: give one of them another name")
        seen.add(rule.name)
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:16]
    return Rules(tuple(rules), digest)


def duration_ms(text: object) -> int:
    """``2 h``, ``30 min`` or ``1.5 d`` in ms; raises ValueError with what is accepted."""
    match = _DURATION.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time such as '30 min', '2 h' or '1 d'")
    return round(float(match[1]) * _UNIT_MS[match[2]])


def _pack(file: str, text: str) -> list[Rule]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PackError(f"{file} is not YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("rules"), dict):
        raise PackError(f"{file}: a pack has 'pack', 'applies_to' and 'rules', a table by name")
    unknown = content.keys() - {"pack", "applies_to", "rules"}
    if unknown:
        raise PackError(f"{file}: unknown key {sorted(unknown)[0]!r}")
    try:
        commodities, forms = _scope(content.get("applies_to") or {})
    except ValueError as error:
        raise PackError(f"{file}: applies_to: {error}") from error
    rules = []
    for name, body in content["rules"].items():
        try:
            rules.append(_rule(str(name), body, commodities, forms))
        except (ExpressionError, ValueError) as error:
            raise PackError(f"{file}, line {_line(text, str(name))}: {name}: {error}") from error
    return rules


def _line(text: str, name: str) -> int:
    """The line where a rule begins, for the message: 1 if it is not found."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().strip("'\"").startswith(f"{name}:"):
            return number
    return 1


def _scope(applies: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    if not isinstance(applies, dict) or applies.keys() - {"commodity", "form"}:
        raise ValueError("is a table with 'commodity' and 'form'")
    return (
        _members("commodity", applies.get("commodity"), Commodity),
        _members("form", applies.get("form"), Form),
    )


def _members(key: str, given: object, kind: type[StrEnum]) -> frozenset[str]:
    if given is None:
        return frozenset(kind)
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not set(names) <= set(kind):
        raise ValueError(f"{key} is {given!r}; it is one or a list of {', '.join(kind)}")
    return frozenset(names)


_KEYS = {"title", "severity", "action", "touches", "based_on"}
_LEVEL = {"when", "clear", "for"}
_SILENCE = {"silent_intervals", "silent_at_least"}


def _rule(name: str, body: object, commodities: frozenset[str], forms: frozenset[str]) -> Rule:
    if not isinstance(body, dict):
        raise ValueError("is a table of keys")
    kind = _SILENCE if "silent_intervals" in body else _LEVEL
    _check_keys(body, _KEYS | kind, (_KEYS | kind) - {"touches", "for", "silent_at_least"})
    if body["severity"] not in set(Severity):
        raise ValueError(f"severity is {body['severity']!r}; it is one of {', '.join(Severity)}")
    if not isinstance(body.get("touches", False), bool):
        raise ValueError("touches is true or false")
    return Rule(
        name=name,
        title=_text("title", body["title"]),
        severity=Severity(body["severity"]),
        test=_silence(body) if kind is _SILENCE else _level(body),
        action=_text("action", body["action"]),
        touches=body.get("touches", False),
        based_on=str(body["based_on"]),
        commodities=commodities,
        forms=forms,
    )


def _check_keys(body: Mapping[str, Any], allowed: Iterable[str], needed: Iterable[str]) -> None:
    unknown = sorted(body.keys() - set(allowed))
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; there are {', '.join(sorted(allowed))}")
    missing = sorted(set(needed) - body.keys())
    if missing:
        raise ValueError(f"key {missing[0]!r} is missing")


def _level(body: Mapping[str, Any]) -> Level:
    try:
        delay = duration_ms(body.get("for", "0 min"))
    except ValueError as error:
        raise ValueError(f"for: {error}") from error
    return Level(_condition("when", body["when"]), _condition("clear", body["clear"]), delay)


def _condition(key: str, text: object) -> Condition:
    try:
        return condition(str(text), SIGNALS)
    except ExpressionError as error:
        raise ExpressionError(f"{key}: {error}") from error


def _silence(body: Mapping[str, Any]) -> Silence:
    intervals = body["silent_intervals"]
    if not isinstance(intervals, int | float) or not 1 <= intervals <= 1000:
        raise ValueError(f"silent_intervals is {intervals!r}; it is a number from 1 to 1000")
    return Silence(float(intervals), duration_ms(body.get("silent_at_least", "30 min")))


def _text(key: str, text: object) -> str:
    """A text whose fields are plain signals: no attribute or index reaches into the program."""
    if not isinstance(text, str):
        raise ValueError(f"{key} is a text")
    try:
        fields = [field for _, field, _, _ in Formatter().parse(text) if field is not None]
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
    for field in fields:
        if field not in TEXT_FIELDS:
            known = ", ".join(sorted(TEXT_FIELDS))
            raise ValueError(f"{key}: there is no {{{field}}} to fill in; there are {known}")
    return " ".join(text.split())
