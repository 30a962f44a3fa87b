"""The language of conditions in packs: arithmetic, comparison and logic over named signals.

Read by a whitelist over Python's syntax tree and compiled once to numpy. A condition has three
outcomes: it holds, it fails, or it is unknown because a signal is (NaN): unknown is never taken
for the one or the other (Kleene's logic), so ``not (margin > 0)`` does not hold on missing data.
``known(margin)`` asks, and is never unknown itself.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from lots.readings.batch import Bools, Floats
from rules.keys import listed, meant

Columns = Mapping[str, Floats]
Number = Callable[[Columns], Floats]
Compare = Callable[[Floats, Floats], Bools]
Holds = Callable[[Columns], Bools]
Truth = tuple[Holds, Holds]
"""Where something holds, and where it fails: each worked out only where it is asked for."""

_ARITHMETIC: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], tuple[Compare, Compare]] = {
    ast.Lt: (operator.lt, operator.ge),
    ast.LtE: (operator.le, operator.gt),
    ast.Gt: (operator.gt, operator.le),
    ast.GtE: (operator.ge, operator.lt),
}
"""When it holds, and when it fails: neither where one of the two is unknown, NaN."""
_UNIT = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)\s*((?!and\b|or\b|not\b|e\d)(?:%\w*|°\w*|[^\W\d]\S*))"
)
"""A figure with a unit behind it."""
_FRACTION = re.compile(r"\d,\s*\d")
_WORD = re.compile(r"\b(AND|OR|NOT)\b", re.IGNORECASE)
_SIGNS = {
    "≤": "<=",
    "≥": ">=",
    "=<": "<=",
    "=>": ">=",
    "＜": "<",
    "＞": ">",
    "−": "-",
    "–": "-",
    "×": "*",
    "·": "*",
    "÷": "/",
    "&&": "and",
    "||": "or",
    "\N{NO-BREAK SPACE}": "a plain space",
}
"""What is written in other languages and by word processors, and what means the same here."""

MAX_LENGTH = 500
MAX_DEPTH = 50
"""Parts within parts: deeper than any rule needs, and far from where Python gives up."""


class ExpressionError(ValueError):
    """The text is not a condition; the message says which part and what may stand there."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A compiled number: ``names`` are the signals it reads."""

    text: str
    names: frozenset[str]
    _number: Number

    def __call__(self, columns: Columns) -> Floats:
        """(n,) its values; NaN where it is unknown, and where it divides by nothing."""
        found = self._number(columns)
        return np.where(np.isfinite(found), found, np.nan)


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: ``names`` are the signals it reads."""

    text: str
    names: frozenset[str]
    _truth: Truth

    def __call__(self, columns: Columns) -> tuple[Bools, Bools]:
        """Where it holds and where it fails, (n,) each; where neither, it is unknown."""
        holds, fails = self._truth
        return holds(columns), fails(columns)

    def holds(self, columns: Columns) -> Bools:
        """(n,) where it holds, alone."""
        return self._truth[0](columns)


def condition(text: str, names: Collection[str]) -> Condition:
    """Compile ``text``, which may use the signals ``names``; raises `ExpressionError`."""
    used: set[str] = set()
    truth = _truth(_read(text), frozenset(names), used)
    _require_signal(text, used)
    return Condition(text, frozenset(used), truth)


def quantity(text: str, names: Collection[str]) -> Quantity:
    """As `condition`, of a ``text`` that is a number."""
    used: set[str] = set()
    number = _number(_read(text), frozenset(names), used)
    _require_signal(text, used)
    return Quantity(text, frozenset(used), number)


def comparisons(text: str) -> list[str]:
    """What a condition is made of, in its order; ``text`` is one that `condition` took."""
    found = [node for node in ast.walk(_read(text)) if isinstance(node, ast.Compare | ast.Call)]
    return [ast.unparse(node) for node in sorted(found, key=lambda n: (n.lineno, n.col_offset))]


def _require_signal(text: str, used: Collection[str]) -> None:
    if not used:
        raise ExpressionError(f"{text!r} reads no signal: it would always be the same")


def _read(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters: split it into two rules")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        said = error.msg if isinstance(error, SyntaxError) else error
        why = f"{text!r} cannot be read: {said}{_hint(text)}"
        raise ExpressionError(why) from error
    if _deeper(tree, MAX_DEPTH):
        raise ExpressionError(f"nested more than {MAX_DEPTH} deep: split it into two rules")
    return tree


def _hint(text: str) -> str:
    for sign, meaning in _SIGNS.items():
        if sign in text:
            return f"; write {meaning} in place of {sign!r}"
    for word in _WORD.findall(text):
        if not word.islower():
            return f"; write {word.lower()} in place of {word!r}"
    if fraction := _FRACTION.search(text):
        return f"; write {fraction[0]!r} with a point: a comma separates nothing here"
    unit = _UNIT.search(text)
    return f"; write {unit[1]} without {unit[2]!r}: a signal has its own unit" if unit else ""


def _deeper(tree: ast.expr, limit: int) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(limit):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return bool(level)


def _truth(node: ast.expr, names: frozenset[str], used: set[str]) -> Truth:
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_truth(value, names, used) for value in values]
            return _all(parts) if isinstance(op, ast.And) else _any(parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _truth(operand, names, used)[::-1]
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [_number(side, names, used) for side in (left, *comparators)]
            pairs = zip(sides, ops, sides[1:], strict=False)
            return _all([_comparison(a, op, b, node) for a, op, b in pairs])
        case ast.Call(func=ast.Name(id="known"), args=[ast.Name() as signal], keywords=[]):
            given = _number(signal, names, used)
            return lambda columns: ~np.isnan(given(columns)), lambda columns: np.isnan(
                given(columns)
            )
    text = ast.unparse(node)
    raise ExpressionError(
        f"{text!r} is not a condition: compare signals with < <= > >=, or ask known(signal), "
        f"and join these with and, or, not{_hint(text)}"
    )


def _number(node: ast.expr, names: frozenset[str], used: set[str]) -> Number:
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            number = np.float64(str(value))
            if not math.isfinite(number):
                raise ExpressionError(f"{ast.unparse(node)!r} is too large for a number")
            return lambda _: np.asarray(number)
        case ast.Name(id=name):
            if name not in names:
                there = f"there is no signal {name!r}{meant(name, names)}"
                raise ExpressionError(f"{there}; there are {listed(names)}")
            used.add(name)
            return lambda columns: columns[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _number(operand, names, used)
            return lambda columns: -inner(columns)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            apply = _ARITHMETIC[type(op)]
            a, b = _number(left, names, used), _number(right, names, used)
            return lambda columns: _quietly(apply, a(columns), b(columns))
    text = ast.unparse(node)
    raise ExpressionError(
        f"{text!r} is not a number: use signals, figures and + - * /{_hint(text)}"
    )


def _quietly(apply: Callable[[Floats, Floats], Floats], a: Floats, b: Floats) -> Floats:
    """What divides by nothing is unknown or infinite: nobody is warned."""
    with np.errstate(all="ignore"):
        return apply(a, b)


def _comparison(left: Number, op: ast.cmpop, right: Number, node: ast.Compare) -> Truth:
    if type(op) not in _COMPARISONS:
        raise ExpressionError(
            f"{ast.unparse(node)!r}: only < <= > >= compare; measured numbers are never just equal"
        )
    holds, fails = _COMPARISONS[type(op)]
    return (
        lambda columns: holds(left(columns), right(columns)),
        lambda columns: fails(left(columns), right(columns)),
    )


def _all(parts: list[Truth]) -> Truth:
    holds, fails = zip(*parts, strict=True)
    return _joined(np.logical_and, holds), _joined(np.logical_or, fails)


def _any(parts: list[Truth]) -> Truth:
    holds, fails = zip(*parts, strict=True)
    return _joined(np.logical_or, holds), _joined(np.logical_and, fails)


def _joined(join: np.ufunc, parts: Sequence[Holds]) -> Holds:
    if len(parts) == 1:
        return parts[0]
    return lambda columns: np.asarray(reduce(join, [part(columns) for part in parts]))
