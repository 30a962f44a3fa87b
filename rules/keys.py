"""What stands under the keys of a pack: read, checked, and told by its line where it is wrong."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from enum import StrEnum
from itertools import chain
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]
"""Keys, and positions in lists, that lead to a value."""

MOST: Final = 1e9
"""No number in a pack is larger."""

LONGEST_TEXT: Final = 2_000
"""Characters of a title, an action or what a rule is based on; and of what is said of an error."""

MOST_VALUES: Final = 1_000_000
"""A file stands for so many at most, each alias (``*name``) counted as all that it stands for: a
few lines of aliases of aliases can fill any memory. Ten thousand rules are a quarter of it. [D]"""

_UNKEPT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and half characters, that a name in a pack may have."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(min|h|d)")
_UNIT_MS = {"min": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST_MS = 366 * _UNIT_MS["d"]


class Misfit(ValueError):
    """Something in a pack cannot be used. ``path`` leads to it from what was being read."""

    def __init__(self, why: str, *path: str | int) -> None:
        super().__init__(why)
        self.path: Path = path


@contextmanager
def under(*path: str | int, said: str = "") -> Iterator[None]:
    """What is wrong in here stands under ``path``, and says so; or ``said`` in its place."""
    try:
        yield
    except ValueError as error:
        where = "".join(f", no. {key + 1}" if isinstance(key, int) else f": {key}" for key in path)
        within: Path = getattr(error, "path", ())
        raise Misfit(f"{said or where[2:]}: {error}", *path, *within) from error


def meant(name: object, known: Collection[str]) -> str:
    """A guess at which of ``known`` was meant, as part of a message; "" without one."""
    found = get_close_matches(str(name), known, n=1)
    return f" (did you mean {str(found[0])!r}?)" if found else ""


def listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def table(body: object, allowed: Collection[str], needed: Collection[str] = ()) -> dict[str, Any]:
    """``body`` as a table that has all keys of ``needed``, and none but ``allowed``."""
    if not isinstance(body, dict):
        raise Misfit(f"is a table with {listed(allowed)}")
    for key in sorted(body.keys() - set(allowed), key=str):
        there = listed(allowed)
        raise Misfit(f"unknown key {str(key)!r}{meant(key, allowed)}; there are {there}", str(key))
    if missing := sorted(set(needed) - body.keys()):
        raise Misfit(f"key {missing[0]!r} is missing: add it")
    return body


def is_number(value: object) -> bool:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and abs(value) <= MOST  # type: ignore[arg-type]


def are_numbers(value: object, *lengths: int) -> bool:
    """Whether it is a list of so many numbers, one of ``lengths``."""
    return isinstance(value, list) and len(value) in lengths and all(map(is_number, value))


def number(key: str, value: object, least: float = -math.inf, most: float = math.inf) -> float:
    if not is_number(value) or not least <= float(value) <= most:  # type: ignore[arg-type]
        limits = f" from {least:g} to {most:g}" if math.isfinite(least) else ""
        raise Misfit(f"{key} is {value!r}; it is a number{limits}", key)
    return float(value)  # type: ignore[arg-type]


def flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Misfit(f"{key} is {value!r}; it is true or false", key)
    return value


def text(key: str, value: object) -> str:
    """In one line. What a registry could not keep, or a person not read, is refused here: an alert
    that cannot be written holds up all others."""
    if not isinstance(value, str) or not value.strip():
        raise Misfit(f"{key} is {value!r}; it is a text", key)
    said = " ".join(value.split())
    for character in said:
        if unicodedata.category(character) in ("Cc", "Cs"):
            code = f"U+{ord(character):04X}"
            raise Misfit(f"{key}: the control character {code} cannot be kept; take it out", key)
    if len(said) > LONGEST_TEXT:
        raise Misfit(f"{key}: longer than {LONGEST_TEXT} characters: put it more briefly", key)
    return said


def name(key: str, value: object) -> str:
    """Of something in the registry. What YAML takes for a number or for yes and no is refused:
    the lot 00123 would be the lot 83, the customer NO nobody."""
    if not isinstance(value, str) or not value:
        raise Misfit(f"{key} is {value!r}; it is a name: put it in quotes", key)
    return value


def old_name(_key: str, value: object) -> str:
    """As before such were refused: 4711 was the lot of that name, and its limits are in force."""
    return str(value)


def member(key: str, value: object, known: Sequence[str] | type[StrEnum]) -> str:
    if not isinstance(value, str) or value not in list(known):
        names = [str(name) for name in known if name]
        guess = meant(value, names) if isinstance(value, str) else ""
        raise Misfit(f"{key} is {value!r}{guess}; it is one of {', '.join(names)}", key)
    return str(value)


def duration_ms(said: object) -> int:
    """``2 h``, ``30 min`` or ``1.5 d`` in ms; raises ValueError with what is accepted."""
    match = _DURATION.fullmatch(str(said).strip())
    if match is None:
        raise ValueError(f"{said!r} is not a time such as '30 min', '2 h' or '1 d'")
    found = float(match[1]) * _UNIT_MS[match[2]]
    if found > _LONGEST_MS:
        raise ValueError(f"{said!r} is longer than a year; write less")
    return round(found)


def span_ms(key: str, said: object) -> int:
    with under(key):
        return duration_ms(said)


class Lines:
    """In which line of a file each value stands."""

    def __init__(self, root: yaml.Node | None) -> None:
        self._at: dict[Path, int] = {(): 1}
        self._seen: set[int] = set()
        if root is not None:
            self._note((), root)

    def of(self, path: Path) -> int:
        """Of the value at ``path``, or of the nearest above it that there is."""
        while path not in self._at:
            path = path[:-1]
        return self._at[path]

    def locate(self, error: ValueError, *above: str | int) -> str:
        """``error`` with the line where it is, for a message; its path begins ``above``. What no
        registry could keep is escaped: that a pack is refused is written there."""
        path: Path = (*above, *getattr(error, "path", ()))
        said = _UNKEPT.sub(lambda found: ascii(found[0])[1:-1], str(error))
        if len(said) > LONGEST_TEXT:
            said = f"{said[:LONGEST_TEXT]}…"
        return f"line {self.of(path)}: {said}"

    def _note(self, path: Path, node: yaml.Node) -> None:
        if id(node) in self._seen:  # an alias
            return
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    self._at[*path, key.value] = key.start_mark.line + 1
                    self._note((*path, key.value), value)
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._at[*path, number] = item.start_mark.line + 1
                self._note((*path, number), item)


def _misread(why: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, why, mark)


def _parts(node: yaml.Node | None) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from chain.from_iterable(node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


class _Loader(yaml.SafeLoader):
    """YAML as it is safe to read, in which a key may stand only once: YAML itself takes the last
    of two and forgets the other."""

    def __init__(self, content: str) -> None:
        super().__init__(content)
        self._sizes: dict[int, int] = {}
        """By node, the values that it stands for."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        is_alias = self.check_event(yaml.AliasEvent)
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        if is_alias and id(node) not in self._sizes:
            raise _misread("an alias stands within what it stands for: take it out", mark)
        if not is_alias:
            self._sizes[id(node)] = size = 1 + sum(self._sizes[id(part)] for part in _parts(node))
            if size > MOST_VALUES:
                why = f"it stands for more than {MOST_VALUES:,} values: take out some aliases (*)"
                raise _misread(why, mark)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            # Of a tag's own reader: a date that there is not, '!!bool maybe'.
            kind = node.tag.rpartition(":")[2]
            why = f"{node.value!r:.80} is no {kind}: put a text in quotes"
            raise _misread(why, node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise _misread(f"{key.value!r} is there twice: keep one", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read(file: str, content: str) -> tuple[object, Lines]:
    """YAML, and its lines; raises ValueError with file, line and what is wrong."""
    try:
        loader = _Loader(content)
        node = loader.get_single_node()
        return (None if node is None else loader.construct_document(node)), Lines(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}, line {mark.line + 1}" if mark else file
        hint = _hint(str(error.problem))
        raise ValueError(f"{where}: is not YAML: {error.problem or error}{hint}") from error
    except RecursionError as error:
        raise ValueError(f"{file} is not YAML: it is nested too deep") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{file} is not YAML: {error}") from error


_HINTS: Final = (
    ("'\\t'", "indent with spaces, not with tabs"),
    (
        "mapping values are not allowed",
        "a text with ': ' in it goes in quotes",
    ),
    (
        "expected <block end>",
        "a table's keys begin in one column, quotes go around a whole text",
    ),
    ("expected ','", "a text with brackets, braces or ': ' in it goes in quotes"),
    ("end of", "a quote, a bracket or a brace is not closed"),
    ("cannot start any token", "put the text in quotes"),
)


def _hint(problem: str) -> str:
    return next((f"; {hint}" for sign, hint in _HINTS if sign in problem), "")
