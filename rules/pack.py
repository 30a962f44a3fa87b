"""Packs: the rules as YAML that a logistics engineer can read and change."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from lots.errors import UserError
from lots.terms import Commodity, Form, Phase, SiteRegion
from rules import derived
from rules.derived import Derived
from rules.expression import Condition, ExpressionError, condition
from rules.rule import SUBJECTS, Level, Limit, Overlay, Rule, Rules, Severity, Silence, Written
from rules.scope import Scope
from rules.signals import SIGNALS

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(min|h|d)")
_UNIT_MS = {"min": 60_000, "h": 3_600_000, "d": 86_400_000}
LONGEST_MS = 366 * _UNIT_MS["d"]
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")  # as the registry keeps it beside its alerts
_QUANTITY = re.compile(r"[a-z][a-z0-9_]{0,47}")  # as an expression can name it
_TEXT_FIELDS = frozenset({"lot", "hours_silent"})
"""What texts may have besides signals."""


class PackError(UserError):
    """A pack cannot be used; the message names file, rule, key and remedy."""


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
    packs = [_Reader(file, text).read() for file, text in texts.items()]
    for kind, find in (("rule", _rules_of), ("quantity", _quantities_of)):
        _require_distinct(kind, {pack.file: (pack.text, find(pack)) for pack in packs})
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:16]
    return Rules(
        tuple(rule for pack in packs for rule in pack.rules),
        digest,
        tuple(each for pack in packs for each in pack.derived),
        tuple(limit for pack in packs for limit in pack.limits),
        tuple(sorted((each for p in packs for each in p.overlays), key=lambda each: each.rank)),
        tuple(test for pack in packs for test in pack.tests),
    )


@dataclass(frozen=True, slots=True)
class _Pack:
    file: str
    text: str
    limits: list[Limit]
    overlays: list[Overlay]
    derived: list[Derived]
    rules: list[Rule]
    tests: list[Written]


def _rules_of(pack: _Pack) -> list[str]:
    return [rule.name for rule in pack.rules]


def _quantities_of(pack: _Pack) -> list[str]:
    return [limit.name for limit in pack.limits] + [each.name for each in pack.derived]


def _require_distinct(kind: str, names: Mapping[str, tuple[str, list[str]]]) -> None:
    """``names``: file -> its text and the names in it."""
    origin: dict[str, str] = {}
    for file, (text, own) in names.items():
        for name in own:
            if name in origin:
                raise PackError(
                    f"{file}, line {_line(text, name)}: {name}: a {kind} of that name is"
                    f" in {origin[name]} too: give one of them another name"
                )
            origin[name] = file


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


class _Reader:
    """Reads one pack; ``file`` and ``text`` for what it says of errors."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._text = file, text
        self._names = frozenset(SIGNALS)
        """What expressions may read: signals, and the pack's own quantities so far."""

    def read(self) -> _Pack:
        content = self._content()
        try:
            scope = _scope(content.get("applies_to"))
        except ValueError as error:
            raise self._error("applies_to", f"applies_to: {error}") from error
        limits = [self._limit(name, body, scope) for name, body in self._table(content, "limits")]
        overlays = [self._overlay(body, limits) for body in self._overlays(content)]
        made = [self._derived(name, body, scope) for name, body in self._table(content, "derived")]
        rules = [self._rule(name, body, scope) for name, body in self._table(content, "rules")]
        tests = [
            Written(f"{self._file}, line {_line(self._text, name)}", name, body, scope)
            for name, body in self._table(content, "tests")
        ]
        return _Pack(self._file, self._text, limits, overlays, made, rules, tests)

    def _content(self) -> dict[str, Any]:
        try:
            content = yaml.load(self._text, _Loader)  # noqa: S506 - safe, but for repeated keys
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise PackError(f"{self._file} is not YAML: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("rules"), dict):
            raise PackError(
                f"{self._file}: a pack has 'pack', 'applies_to' and 'rules', a table by name"
            )
        try:
            _check_keys(content, _PACK, {"pack", "rules"})
        except ValueError as error:
            raise PackError(f"{self._file}: {error}") from error
        return content

    def _table(self, content: Mapping[str, Any], key: str) -> list[tuple[str, object]]:
        table = content.get(key, {})
        if not isinstance(table, dict):
            raise self._error(key, f"{key}: is a table by name")
        return [(str(name), body) for name, body in table.items()]

    def _limit(self, name: str, body: object, scope: Scope) -> Limit:
        with self._at(name):
            self._name(name)
            return _limit(name, body, scope)

    def _overlays(self, content: Mapping[str, Any]) -> list[object]:
        found = content.get("overlays", [])
        if not isinstance(found, list):
            raise self._error("overlays", "overlays: is a list")
        return found

    def _overlay(self, body: object, limits: Sequence[Limit]) -> Overlay:
        with self._at("overlays"):
            return _overlay(body, [limit.name for limit in limits])

    def _derived(self, name: str, body: object, scope: Scope) -> Derived:
        with self._at(name):
            before = self._names
            self._name(name)
            return derived.parse(name, body, before, scope, _duration)

    def _name(self, name: str) -> None:
        """From here on expressions may read it."""
        _check_quantity(name)
        if name in self._names:
            raise ValueError("there is a quantity of that name: take another")
        self._names |= {name}

    def _rule(self, name: str, body: object, scope: Scope) -> Rule:
        with self._at(name):
            return _rule(name, body, scope, self._names)

    @contextmanager
    def _at(self, key: str) -> Iterator[None]:
        """What is wrong with what stands under ``key``, with its line."""
        try:
            yield
        except ValueError as error:  # `ExpressionError` is one
            raise self._error(key, f"{key}: {error}") from error

    def _error(self, key: str, why: str) -> PackError:
        return PackError(f"{self._file}, line {_line(self._text, key)}: {why}")


def _line(text: str, name: str) -> int:
    """The line where a rule begins, for the message: 1 if it is not found."""
    key = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*:""")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if key.match(line)), 1)


def _check_quantity(name: str) -> None:
    if not _QUANTITY.fullmatch(name) or iskeyword(name):
        raise ValueError(
            "its name is at most 48 of a-z, 0-9 and _ from a letter on, and no word of the language"
        )
    if name in SIGNALS or name in _TEXT_FIELDS:
        raise ValueError("there is a signal of that name: take another")


def _scope(applies: object) -> Scope:
    applies = {} if applies is None else applies
    if not isinstance(applies, dict) or applies.keys() - {"commodity", "form"}:
        raise ValueError("is a table with 'commodity' and 'form'")
    return Scope(
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


def _limit(name: str, body: object, scope: Scope) -> Limit:
    keys = {"value", "unit", "about"}
    if not isinstance(body, dict):
        raise ValueError(f"is a table with {', '.join(sorted(keys))}")
    _check_keys(body, keys, keys)
    for key in ("unit", "about"):
        if not isinstance(body[key], str) or not body[key].strip():
            raise ValueError(f"{key} is {body[key]!r}; it is a text")
    return Limit(name, _figure("value", body["value"]), body["unit"], body["about"], scope)


def _overlay(body: object, limits: Sequence[str]) -> Overlay:
    if not isinstance(body, dict) or body.keys() != {"for", "limits"}:
        raise ValueError("each has 'for', whom it concerns, and 'limits', other values of them")
    subject, values = body["for"], body["limits"]
    if not isinstance(subject, dict) or not subject.keys() & set(SUBJECTS):
        raise ValueError(f"for: is a table with one or more of {', '.join(SUBJECTS)}")
    if unknown := sorted(map(str, subject.keys() - {*SUBJECTS, "tenant"})):
        raise ValueError(f"for: unknown key {unknown[0]!r}; there are {', '.join(SUBJECTS)}")
    if subject.keys() & {"customer", "lot"} and "tenant" not in subject:
        raise ValueError("for: a customer or a lot is of a 'tenant': name it too")
    if "region" in subject and subject["region"] not in list(SiteRegion):
        raise ValueError(f"for: region is one of {', '.join(SiteRegion)}")
    if not isinstance(values, dict) or not values:
        raise ValueError("limits: is a table of limits of this pack and their values")
    if unknown := sorted(map(str, values.keys() - set(limits))):
        raise ValueError(
            f"limits: there is no limit {unknown[0]!r} in this pack; there are {', '.join(limits)}"
        )
    return Overlay(
        {key: str(value) for key, value in subject.items()},
        {name: _figure(name, value) for name, value in values.items()},
    )


def _figure(key: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{key} is {value!r}; it is a number")
    return float(value)


_PACK = {"pack", "applies_to", "limits", "overlays", "derived", "rules", "tests"}
_KEYS = {"title", "severity", "action", "touches", "based_on"}
_LEVEL = {"when", "clear", "for", "phases"}
_SILENCE = {"silent_intervals", "silent_at_least"}


def _rule(name: str, body: object, scope: Scope, names: Collection[str]) -> Rule:
    if not _NAME.fullmatch(name):
        raise ValueError("a rule's name is at most 64 of a-z, 0-9, _ and . from a letter on")
    if not isinstance(body, dict):
        raise ValueError(f"is a table with {', '.join(sorted(_KEYS | _LEVEL))}")
    kind = _SILENCE if "silent_intervals" in body else _LEVEL
    _check_keys(
        body, _KEYS | kind, (_KEYS | kind) - {"touches", "for", "phases", "silent_at_least"}
    )
    if body["severity"] not in list(Severity):
        raise ValueError(f"severity is {body['severity']!r}; it is one of {', '.join(Severity)}")
    if not isinstance(body.get("touches", False), bool):
        raise ValueError(f"touches is {body['touches']!r}; it is true or false")
    return Rule(
        name=name,
        title=_text("title", body["title"], names),
        severity=Severity(body["severity"]),
        test=_silence(body) if kind is _SILENCE else _level(body, names),
        action=_text("action", body["action"], names),
        touches=body.get("touches", False),
        based_on=_text("based_on", body["based_on"], names),
        scope=scope,
        phases=_phases(body.get("phases", [])),
    )


def _phases(given: object) -> frozenset[Phase]:
    if not isinstance(given, list) or any(phase not in list(Phase) for phase in given):
        raise ValueError(f"phases is {given!r}; it is a list of {', '.join(Phase)}")
    return frozenset(map(Phase, given))


def _check_keys(body: Mapping[str, Any], allowed: Iterable[str], needed: Iterable[str]) -> None:
    unknown = sorted(map(str, body.keys() - set(allowed)))
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; there are {', '.join(sorted(allowed))}")
    missing = sorted(set(needed) - body.keys())
    if missing:
        raise ValueError(f"key {missing[0]!r} is missing: add it")


def _level(body: Mapping[str, Any], names: Collection[str]) -> Level:
    delay = _duration("for", body.get("for", "0 min"))
    opens, clears = (_condition(key, body[key], names) for key in ("when", "clear"))
    return Level(opens, clears, delay)


def _duration(key: str, text: object) -> int:
    try:
        return duration_ms(text)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error


def _condition(key: str, text: object, names: Collection[str]) -> Condition:
    try:
        return condition(str(text), names)
    except ExpressionError as error:
        raise ExpressionError(f"{key}: {error}") from error


def _silence(body: Mapping[str, Any]) -> Silence:
    intervals = body["silent_intervals"]
    if type(intervals) not in (int, float) or not 1 <= intervals <= 1000:
        raise ValueError(f"silent_intervals is {intervals!r}; it is a number from 1 to 1000")
    least = _duration("silent_at_least", body.get("silent_at_least", "30 min"))
    return Silence(float(intervals), least)


def _text(key: str, text: object, names: Collection[str]) -> str:
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
        if field not in names and field not in _TEXT_FIELDS:
            known = ", ".join(sorted(_TEXT_FIELDS.union(names)))
            raise ValueError(f"{key}: there is no {{{field}}} to fill in; there are {known}")
        if form or conversion:
            raise ValueError(f"{key}: numbers are rounded already: write {{{field}}} alone")
    return " ".join(text.split())
