"""A YAML file as sheets of named fields that know their lines, so that an error can name its own.

Any number may be written ``{between: [a, b]}``: a seed draws it, the same for the same place in
the file.
"""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from simulators.names import refusal

Draw = Callable[[str, float, float], float]
"""From (the name of the place in the file, low, high) to a number between them."""


class JourneyError(ValueError):
    """What is wrong in a journey's file: its name, the line, and the remedy."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file = file
        self.line = line


@dataclass(slots=True)
class Sheet:
    """A mapping of the file, whose fields are taken one by one; `done` tells of what is left."""

    file: Path
    name: str  # of its place in the file, such as places.truck-1
    node: yaml.MappingNode
    draw: Draw
    _taken: set[str] = field(default_factory=set)

    def has(self, key: str) -> bool:
        """Whether it has a field."""
        return self._find(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """A text; ``default`` where it is left out."""
        node = self._take(key)
        if node is None:
            return str(self._default(key, default))
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(f"{key} is not a text", node)
        text = str(node.value)
        unseen = (c for c in text if c != "\n" and unicodedata.category(c) == "Cc")
        if not text.strip() or any(unseen):
            self.wrong(f"{key} is {text!r}: write a text, without control characters", node)
        return text

    def choice(self, key: str, known: Iterator[str] | Any, default: str | None = None) -> str:
        """One of the words ``known``."""
        found = self.text(key, default)
        names = list(known)
        if found not in names:
            near = difflib.get_close_matches(found, names, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            self.wrong(
                f"{key} {found!r} is not known: {hint}use one of {', '.join(names)}",
                self._find(key),
            )
        return found

    def number(
        self, key: str, default: float | None = None, low: float = -1e12, high: float = 1e12
    ) -> float:
        """A number within ``low`` and ``high``, drawn where the file gives a span."""
        node = self._take(key)
        if node is None:
            return float(self._default(key, default))
        if isinstance(node, yaml.MappingNode):
            ends = [self._float(key, end) for end in self._span(key, node)]
            if not low <= ends[0] <= ends[1] <= high:
                self.wrong(f"{key} is between {low:g} and {high:g}, the lower end first", node)
            return self.draw(f"{self.name}.{key}", ends[0], ends[1])
        value = self._float(key, node)
        if not low <= value <= high:
            self.wrong(f"{key} is {value:g}, but is between {low:g} and {high:g}", node)
        return value

    def flag(self, key: str) -> bool:
        """true or false; false where it is left out."""
        node = self._take(key)
        if node is None:
            return False
        value = self._plain(node)
        if not isinstance(value, bool):
            self.wrong(f"{key} is true or false", node)
        return value

    def sheet(self, key: str) -> Sheet | None:
        """A mapping in it; None where it is left out."""
        node = self._take(key)
        return None if node is None else self._sheet(f"{self.name}.{key}".lstrip("."), node)

    def sheets(self, key: str) -> list[tuple[str, Sheet]]:
        """The mappings of a mapping, by name, or of a list, by position. A name is one that the
        server takes."""
        node = self._take(key)
        name = f"{self.name}.{key}".lstrip(".")
        if node is None:
            return []
        if isinstance(node, yaml.SequenceNode):
            return [(str(i), self._sheet(f"{name}.{i}", each)) for i, each in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            self.wrong(f"{key} is neither a list nor named entries", node)
        for each, _ in node.value:
            if why := refusal(str(each.value)):
                self.wrong(f"{name}: {str(each.value)!r}: {why}", each)
        return [(str(k.value), self._sheet(f"{name}.{k.value}", each)) for k, each in node.value]

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is left out."""
        node = self._take(key)
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(f"{key} is not a list: write [a, b]", node)
        return tuple(str(each.value) for each in node.value)

    def anything(self, key: str) -> Any:
        """What stands there as plain Python: dicts, lists, texts, numbers; None if left out."""
        node = self._take(key)
        return None if node is None else self._plain(node)

    def rest(self) -> dict[str, Any]:
        """All that was not taken, as plain Python."""
        found = {
            str(k.value): self._plain(v)
            for k, v in self.node.value
            if str(k.value) not in self._taken
        }
        self._taken.update(found)
        return found

    def done(self) -> None:
        """Raise for the first field that nobody took."""
        for key, _ in self.node.value:
            if str(key.value) not in self._taken:
                near = difflib.get_close_matches(str(key.value), self._taken, 1)
                hint = f": did you mean {near[0]}?" if near else ": take it out"
                self.wrong(f"there is no field {key.value!r} here{hint}", key)

    def wrong(self, message: str, node: yaml.Node | None = None) -> NoReturn:
        """Raise JourneyError at ``node``, or where the sheet begins."""
        mark = (node or self.node).start_mark
        where = f"{self.name}: " if self.name else ""
        raise JourneyError(self.file, mark.line + 1, where + message)

    def wrong_at(self, key: str, message: str) -> NoReturn:
        """Raise JourneyError at a field."""
        self.wrong(message, self._find(key))

    def _find(self, key: str) -> yaml.Node | None:
        for name, value in self.node.value:
            if name.value == key:
                found: yaml.Node = value
                return found
        return None

    def _take(self, key: str) -> yaml.Node | None:
        self._taken.add(key)
        return self._find(key)

    def _default(self, key: str, default: Any) -> Any:
        if default is None:
            self.wrong(f"{key} is missing: add it")
        return default

    def _sheet(self, name: str, node: yaml.Node) -> Sheet:
        if not isinstance(node, yaml.MappingNode):
            self.wrong(f"{name} is not a list of fields", node)
        return Sheet(self.file, name, node, self.draw)

    def _float(self, key: str, node: yaml.Node) -> float:
        value = self._plain(node)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(f"{key} is not a number: write 3.5 or {{between: [3, 4]}}", node)
        try:
            return float(value)
        except OverflowError:
            return math.inf  # which is beyond every limit

    def _plain(self, node: yaml.Node) -> Any:
        """A part of the file as plain Python."""
        try:
            return yaml.SafeLoader("").construct_object(node, deep=True)
        except yaml.MarkedYAMLError as error:
            self.wrong(f"{error.problem}: write a text, a number, a list or fields", node)
        except ValueError as error:  # a date that there is not, a number that is none
            self.wrong(f"{error}: put it in quotes if it is a text", node)

    def _span(self, key: str, node: yaml.MappingNode) -> list[yaml.Node]:
        names = [name.value for name, _ in node.value]
        ends = node.value[0][1] if names == ["between"] else None
        if not isinstance(ends, yaml.SequenceNode) or len(ends.value) != 2:
            self.wrong(f"{key} is not a number: write 3.5 or {{between: [3, 4]}}", node)
        return list(ends.value)


def read(file: Path, text: str, draw: Draw) -> Sheet:
    """The sheet of a whole file. Raises JourneyError where it is no YAML or no mapping."""
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise JourneyError(
            file, mark.line + 1 if mark else 1, f"this is no YAML: {error.problem}"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise JourneyError(
            file, line, f"the character U+{error.character:04X} cannot stand in YAML: take it out"
        ) from None
    except RecursionError:
        raise JourneyError(file, 1, "it is nested too deep: take brackets out") from None
    if not isinstance(node, yaml.MappingNode):
        raise JourneyError(file, 1, "a journey is a list of fields: begin with title: …")
    _require_names_once(file, node, set())
    return Sheet(file, "", node, draw)


def _require_names_once(file: Path, node: yaml.Node, seen: set[int]) -> None:
    """Raise where a name stands twice in one mapping: the second would hide the first."""
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _require_names_once(file, each, seen)
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise JourneyError(file, line, "a name is one word: write name: value")
        if key.value in lines:
            raise JourneyError(
                file, line, f"{key.value} is there twice, in line {lines[key.value]} too: take one"
                " out",
            )  # fmt: skip
        lines[key.value] = line
        _require_names_once(file, value, seen)
