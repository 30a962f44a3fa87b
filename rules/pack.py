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
LONGEST_MS = 366 * _UNIT_MS["d"]
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")  # as the registry keeps it beside its alerts
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
        bytes_by_name = {
            entry.name: entry.read_bytes()
            for entry in sorted(source.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".yaml")
        }
    except OSError as error:
        raise PackError(f"packs cannot be read from {source}: {error}") from error
    if not bytes_by_name:
        raise PackError(f"{source} holds no pack: put at least one .yaml file there")
    return parse({name: _text_of(name, content) for name, content in bytes_by_name.items()})


def parse(texts: Mapping[str, str]) -> Rules:
    """Rules of packs given as file name -> YAML; raises `PackError`."""
    rules: dict[str, Rule] = {}
    origin: dict[str, str] = {}
    for file, text in texts.items():
        for rule in _pack(file, text):
            if rule.name in rules:
                raise PackError(
                    f"{file}, line {_line(text, rule.name)}: {rule.name}: a rule of that name is"
                    f" in {origin[rule.name]} too: give one of them another name"
                )
            rules[rule.name], origin[rule.name] = rule, file
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:16]
    return Rules(tuple(rules.values()), digest)


def _text_of(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PackError(f"{file} is not UTF-8: {error}; save it as UTF-8") from error


def duration_ms(text: object) -> int:
    """``2 h``, ``30 min`` or ``1.5 d`` in ms; raises ValueError with what is accepted."""
    match = _DURATION.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time such as '30 min', '2 h' or '1 d'")
    found = float(match[1]) * _UNIT_MS[match[2]]
    if found > LONGEST_MS:
        raise ValueError(f"{text!r} is longer than a year; write less")
    return round(found)


class _Loader(yaml.SafeLoader):
    """YAML as it is safe to read, in which a key may stand only once: YAML itself takes the last
    of two and forgets the other."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value!r} is there twice: keep one", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _pack(file: str, text: str) -> list[Rule]:
    try:
        content = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, but for repeated keys
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PackError(f"{file} is not YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("rules"), dict):
        raise PackError(f"{file}: a pack has 'pack', 'applies_to' and 'rules', a table by name")
    try:
        _check_keys(content, {"pack", "applies_to", "rules"}, {"pack", "rules"})
    except ValueError as error:
        raise PackError(f"{file}: {error}") from error
    try:
        commodities, forms = _scope(content.get("applies_to"))
    except ValueError as error:
        raise PackError(f"{file}, line {_line(text, 'applies_to')}: applies_to: {error}") from error
    rules = []
    for name, body in content["rules"].items():
        try:
            rules.append(_rule(str(name), body, commodities, forms))
        except (ExpressionError, ValueError) as error:
            raise PackError(f"{file}, line {_line(text, str(name))}: {name}: {error}") from error
    return rules


def _line(text: str, name: str) -> int:
    """The line where a rule begins, for the message: 1 if it is not found."""
    key = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*:""")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if key.match(line)), 1)


def _scope(applies: object) -> tuple[frozenset[str], frozenset[str]]:
    applies = {} if applies is None else applies
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
    if not isinstance(names, list) or not names or any(name not in list(kind) for name in names):
        raise ValueError(f"{key} is {given!r}; it is one or a list of {', '.join(kind)}")
    return frozenset(names)


_KEYS = {"title", "severity", "action", "touches", "based_on"}
_LEVEL = {"when", "clear", "for"}
_SILENCE = {"silent_intervals", "silent_at_least"}


def _rule(name: str, body: object, commodities: frozenset[str], forms: frozenset[str]) -> Rule:
    if not _NAME.fullmatch(name):
        raise ValueError("a rule's name is at most 64 of a-z, 0-9, _ and . from a letter on")
    if not isinstance(body, dict):
        raise ValueError(f"is a table with {', '.join(sorted(_KEYS | _LEVEL))}")
    kind = _SILENCE if "silent_intervals" in body else _LEVEL
    _check_keys(body, _KEYS | kind, (_KEYS | kind) - {"touches", "for", "silent_at_least"})
    if body["severity"] not in list(Severity):
        raise ValueError(f"severity is {body['severity']!r}; it is one of {', '.join(Severity)}")
    if not isinstance(body.get("touches", False), bool):
        raise ValueError(f"touches is {body['touches']!r}; it is true or false")
    return Rule(
        name=name,
        title=_text("title", body["title"]),
        severity=Severity(body["severity"]),
        test=_silence(body) if kind is _SILENCE else _level(body),
        action=_text("action", body["action"]),
        touches=body.get("touches", False),
        based_on=_text("based_on", body["based_on"]),
        commodities=commodities,
        forms=forms,
    )


def _check_keys(body: Mapping[str, Any], allowed: Iterable[str], needed: Iterable[str]) -> None:
    unknown = sorted(map(str, body.keys() - set(allowed)))
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; there are {', '.join(sorted(allowed))}")
    missing = sorted(set(needed) - body.keys())
    if missing:
        raise ValueError(f"key {missing[0]!r} is missing: add it")


def _level(body: Mapping[str, Any]) -> Level:
    delay = _duration("for", body.get("for", "0 min"))
    return Level(_condition("when", body["when"]), _condition("clear", body["clear"]), delay)


def _duration(key: str, text: object) -> int:
    try:
        return duration_ms(text)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error


def _condition(key: str, text: object) -> Condition:
    try:
        return condition(str(text), SIGNALS)
    except ExpressionError as error:
        raise ExpressionError(f"{key}: {error}") from error


def _silence(body: Mapping[str, Any]) -> Silence:
    intervals = body["silent_intervals"]
    if type(intervals) not in (int, float) or not 1 <= intervals <= 1000:
        raise ValueError(f"silent_intervals is {intervals!r}; it is a number from 1 to 1000")
    least = _duration("silent_at_least", body.get("silent_at_least", "30 min"))
    return Silence(float(intervals), least)


def _text(key: str, text: object) -> str:
    """A text whose fields are plain signals: no attribute or index reaches into the program, and
    nothing is left that could fail when it is filled in."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{key} is {text!r}; it is a text")
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(
            f"{key}: {error} (write {{{{ and }}}} for the signs themselves)"
        ) from error
    for _, field, form, conversion in parts:
        if field is None:
            continue
        if field not in TEXT_FIELDS:
            known = ", ".join(sorted(TEXT_FIELDS))
            raise ValueError(f"{key}: there is no {{{field}}} to fill in; there are {known}")
        if form or conversion:
            raise ValueError(f"{key}: numbers are rounded already: write {{{field}}} alone")
    return " ".join(text.split())
