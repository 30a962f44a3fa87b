"""Where in a JSON document something stands: ``data.sensors[0].temp``, ``readings[*].value``. Pure.

A path is made of names with dots between, and of brackets:

``[0]``, ``[-1]``    an item of an array, from its beginning or its end
``["a.b"]``          a name that has dots or brackets in it
``[name=temp]``      the first object of an array in which ``name`` is ``temp``
``[*]``              each item of an array in turn: once in a path
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(
    r"""(?P<name>[^.\[\]"=*\s][^.\[\]"=*]*)
    | \[(?P<index>-?\d{1,6})\]
    | \["(?P<quoted>[^"]+)"\]
    | \[(?P<field>[^\[\]"=*\s][^\[\]"=*]*)=(?P<value>[^\[\]"=*]+)\]
    | (?P<each>\[\*\])""",
    re.VERBOSE,
)


class PathError(ValueError):
    """A path that cannot be read; says what one looks like."""


@dataclass(frozen=True, slots=True)
class Member:
    name: str

    def of(self, content: Any) -> Any:
        return content.get(self.name) if isinstance(content, dict) else None


@dataclass(frozen=True, slots=True)
class Item:
    index: int

    def of(self, content: Any) -> Any:
        if not isinstance(content, list) or not -len(content) <= self.index < len(content):
            return None
        return content[self.index]


@dataclass(frozen=True, slots=True)
class Where:
    """The first object in an array whose ``name`` is ``value``."""

    name: str
    value: str

    def of(self, content: Any) -> Any:
        if not isinstance(content, list):
            return None
        found = (each for each in content if isinstance(each, dict) and self._is(each))
        return next(found, None)

    def _is(self, each: dict[str, Any]) -> bool:
        is_ = each.get(self.name)
        return (is_ if isinstance(is_, str) else repr(is_)) == self.value


Step = Member | Item | Where


@dataclass(frozen=True, slots=True)
class Path:
    """``steps`` lead to what is meant; with an ``array``, from each item that it leads to."""

    text: str
    steps: tuple[Step, ...]
    array: tuple[Step, ...] | None = None

    @property
    def array_text(self) -> str:
        """The path up to its ``[*]``."""
        return self.text.partition("[*]")[0]


def follow(steps: tuple[Step, ...], content: Any) -> Any:
    """What they lead to; None where nothing is there."""
    for step in steps:
        content = step.of(content)
        if content is None:
            return None
    return content


def path(text: str) -> Path:
    """``text`` as a path; raises `PathError`."""
    steps: list[Step] = []
    array: tuple[Step, ...] | None = None
    position = {"$.": 2, "$[": 1}.get(text[:2], 0)  # as JSONPath begins
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise PathError(_how(text))
        position = found.end()
        if found["each"]:
            if array is not None:
                raise PathError(f"{text!a} has [*] more than once: a path goes through one array")
            array, steps = tuple(steps), []
        else:
            steps.append(_step(found))
        position = _after(text, position)
    if not steps and array is None:
        raise PathError(_how(text))
    return Path(text, tuple(steps), array)


def _step(found: re.Match[str]) -> Step:
    if found["index"]:
        return Item(int(found["index"]))
    if found["field"]:
        return Where(found["field"].strip(), found["value"].strip().strip("'"))
    return Member(found["quoted"] or found["name"])


def _after(text: str, position: int) -> int:
    """Past the dot between two names; before a bracket there is none."""
    following = text[position : position + 1]
    if following == "." and text[position + 1 : position + 2] not in ("", ".", "["):
        return position + 1
    if following not in ("", "["):
        raise PathError(_how(text))
    return position


def _how(text: str) -> str:
    return (
        f"{text!a} is no path: write names with dots between, and [0], [*], [name=value] or "
        '["a name with dots"], such as data.sensors[0].temp'
    )
