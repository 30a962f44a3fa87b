"""Packs: the rules as YAML that a logistics engineer can read and change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from lots.errors import UserError
from rules import clause, derived, keys
from rules.derived import Derived, Kind
from rules.keys import Lines, Misfit
from rules.rule import Limit, Overlay, Rule, Rules, Written
from rules.scope import Scope
from rules.signals import FORESEEN, SIGNALS

_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")  # as the registry keeps it beside its alerts
_QUANTITY = re.compile(r"[a-z][a-z0-9_]{0,47}")  # as an expression can name it
_T = TypeVar("_T")
_KEYS = {"pack", "applies_to", "limits", "overlays", "derived", "rules", "tests"}


Stamp = tuple[tuple[str, int, int, int], ...]
"""Name, times of change of the content and of anything (ns), and size of each file."""


class PackError(UserError):
    """A pack cannot be used; the message names file, line, rule, key and remedy."""


def load(folder: Path | None = None) -> Rules:
    """The packs that come with Dunnage, or those of ``folder``; raises `PackError`."""
    source = files("rules.packs") if folder is None else folder
    try:
        bytes_by_name = {
            _right(entry.name): entry.read_bytes()
            for entry in sorted(source.iterdir(), key=lambda entry: entry.name)
            if _is_meant(entry.name)
        }
    except OSError as error:
        raise PackError(f"packs cannot be read from {source}: {error}") from error
    if not bytes_by_name:
        raise PackError(f"{source} holds no pack: put at least one .yaml file there")
    return parse({name: _text_of(name, content) for name, content in bytes_by_name.items()})


def _is_meant(name: str) -> bool:
    """As a pack: hidden files are what editors and file servers keep beside one."""
    return name.lower().endswith((".yaml", ".yml", ".yaml.txt")) and not name.startswith(".")


def _right(name: str) -> str:
    """``name``, if it is one of a pack: others were left out, and nobody knew."""
    if not name.endswith(".yaml") or not name.isprintable():
        why = "a pack's name ends in .yaml and is in UTF-8"
        raise PackError(f"{name!a}: {why}: rename it, or put it elsewhere")
    return name


def stamp(folder: Path | None) -> Stamp:
    """Of the files of `load`: another where one of them changed, or who may read it."""
    source = Path(str(files("rules.packs"))) if folder is None else folder
    try:
        found = [(path.name, path.stat()) for path in source.iterdir() if _is_meant(path.name)]
    except OSError:
        return ()
    return tuple(sorted((n, of.st_mtime_ns, of.st_ctime_ns, of.st_size) for n, of in found))


def parse(texts: Mapping[str, str], *, were_in_force: bool = False) -> Rules:
    """Rules of packs given as file name -> YAML; raises `PackError`.

    What ``were_in_force`` is read as it was then, when a name could be a number or yes or no.
    """
    packs = [_Reader(file, text, were_in_force).read() for file, text in texts.items()]
    for kind, find in (("rule", _rules_of), ("quantity", _quantities_of)):
        _require_distinct(kind, [one for pack in packs for one in find(pack)])
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:16]
    return Rules(
        tuple(rule for pack in packs for rule in pack.rules),
        digest,
        tuple(each for pack in packs for each in pack.derived),
        tuple(limit for pack in packs for limit in pack.limits),
        tuple(sorted((each for p in packs for each in p.overlays), key=lambda each: each.rank)),
        tuple(test for pack in packs for test in pack.tests),
        texts,
    )


@dataclass(frozen=True, slots=True)
class _Pack:
    file: str
    lines: Lines
    limits: list[Limit]
    overlays: list[Overlay]
    derived: list[Derived]
    rules: list[Rule]
    tests: list[Written]


class _Named(NamedTuple):
    """Something in a ``table`` of a pack. ``sense``: what all of its name have in common."""

    pack: _Pack
    table: str
    name: str
    scope: Scope
    sense: tuple[object, ...]


def _rules_of(pack: _Pack) -> Iterator[_Named]:
    for rule in pack.rules:
        yield _Named(pack, "rules", rule.name, rule.scope, rule.sense)


def _quantities_of(pack: _Pack) -> Iterator[_Named]:
    for limit in pack.limits:
        yield _Named(pack, "limits", limit.name, limit.scope, (limit.unit,))
    for each in pack.derived:
        yield _Named(pack, "derived", each.name, each.scope, (each.definition,))


def _require_distinct(kind: str, things: Iterable[_Named]) -> None:
    """A name stands for one thing, in packs for other goods too."""
    there: dict[str, list[_Named]] = {}
    for one in things:
        for other in there.setdefault(one.name, []):
            if one.scope.meets(other.scope):
                why = "too: give one of them another name"
            elif one.sense != other.sense:
                why = (
                    "for other goods, and is not the same there: give it another name, or make a"
                    " limit of the number that differs"
                )
            else:
                continue
            line = one.pack.lines.of((one.table, one.name))
            raise PackError(
                f"{one.pack.file}, line {line}: {one.name}: a {kind} of that name is in"
                f" {other.pack.file} {why}"
            )
        there[one.name].append(one)


def _counts(each: Derived) -> bool:
    """Whether it grows for as long as the lot is."""
    return each.kind == Kind.HOURS and not each.span_ms and not each.per


def _text_of(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PackError(f"{file} is not UTF-8: {error}; save it as UTF-8") from error


class _Reader:
    """Reads one pack; ``file`` and ``text`` for what it says of errors."""

    def __init__(self, file: str, text: str, was_in_force: bool) -> None:
        self._file = file
        self._name = keys.old_name if was_in_force else keys.name
        self._names = frozenset(SIGNALS)
        """What expressions may read: signals, and the pack's own quantities so far."""
        self._content: Any
        try:
            self._content, self._lines = keys.read(file, text)
        except ValueError as error:
            raise PackError(str(error)) from error

    def read(self) -> _Pack:
        try:
            return self._pack()
        except ValueError as error:  # `Misfit`, or of an expression
            raise PackError(f"{self._file}, {self._lines.locate(error)}") from error

    def _pack(self) -> _Pack:
        content = self._content
        if not isinstance(content, dict) or not isinstance(content.get("rules"), dict):
            raise Misfit("a pack has 'pack', 'applies_to' and 'rules', a table by name")
        keys.table(content, _KEYS, {"pack", "rules"})
        with keys.under("applies_to"):
            scope = clause.scope(content.get("applies_to"))

        def limit(name: str, body: object) -> Limit:
            self._take(name)
            return clause.limit(name, body, scope)

        def quantity(name: str, body: object) -> Derived:
            before = self._names
            self._take(name)
            return derived.parse(name, body, before, scope)

        def rule(name: str, body: object) -> Rule:
            if not _NAME.fullmatch(name):
                raise Misfit("a rule's name is at most 64 of a-z, 0-9, _ and . from a letter on")
            found = clause.rule(name, body, scope, self._names)
            harm = found.foreseen and found.foreseen.harm
            if harm and not any(each.name == harm and _counts(each) for each in quantities):
                why = "it is a quantity of this pack, hours without a spell and without per"
                raise Misfit(f"harm is {harm!r}; {why}", "foreseen", "harm")
            return found

        def test(name: str, body: object) -> Written:
            return Written(name, body, scope, self._file, self._lines)

        limits = self._rows("limits", limit)
        names = [limit.name for limit in limits]

        def overlay(body: object) -> Overlay:
            return clause.overlay(body, names, scope, self._name)

        overlays = self._items("overlays", overlay)
        quantities = self._rows("derived", quantity)
        return _Pack(
            self._file,
            self._lines,
            limits,
            overlays,
            quantities,
            self._rows("rules", rule),
            self._rows("tests", test),
        )

    def _rows(self, key: str, read: Callable[[str, object], _T]) -> list[_T]:
        """What ``read`` makes of each row of a table by name."""
        table = self._content.get(key, {})
        if not isinstance(table, dict):
            raise Misfit(f"{key}: is a table by name", key)
        found = []
        for name, body in table.items():
            with keys.under(key, str(name), said=str(name)):
                found.append(read(str(name), body))
        return found

    def _items(self, key: str, read: Callable[[object], _T]) -> list[_T]:
        items = self._content.get(key, [])
        if not isinstance(items, list):
            raise Misfit(f"{key}: is a list", key)
        found = []
        for number, body in enumerate(items):
            with keys.under(key, number):
                found.append(read(body))
        return found

    def _take(self, name: str) -> None:
        """From here on expressions may read it."""
        if not _QUANTITY.fullmatch(name) or iskeyword(name):
            raise Misfit(
                "its name is at most 48 of a-z, 0-9 and _ from a letter on, and no word of the"
                " language"
            )
        if name in {*SIGNALS, *FORESEEN, *clause.TEXT_FIELDS}:
            raise Misfit("there is a signal of that name: take another")
        if name in self._names:
            raise Misfit("there is a quantity of that name: take another")
        self._names |= {name}
