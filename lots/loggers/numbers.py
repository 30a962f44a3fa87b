"""Numbers as loggers write them. Pure."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[-+\u2212]?[\d.,]*\d[.,]?(?:[eE][-+]?\d+)?")
_WITH_UNIT = re.compile(r"([-+\u2212]?\d[\d.,]*)\s*[^\d\s.,]{1,4}(?: ?[^\d\s.,]{1,3})?")
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
_COMMA = re.compile(r"-?\d+,\d+")
NOTHING = frozenset(("", "-", "--", "---", "n/a", "na", "nan", "null", "none", "err", "error"))


def number(cell: str, decimal: str | None = None) -> float | None:
    """A number with one decimal sign; units behind it are passed over. None for what is none."""
    if decimal != "," and _PLAIN.fullmatch(cell):
        return float(cell)
    if decimal != "." and _COMMA.fullmatch(cell):
        return float(cell.replace(",", "."))
    if not _NUMBER.fullmatch(cell):
        match = _WITH_UNIT.fullmatch(cell)
        if match is None:
            return None
        cell = match[1]
    if decimal is None and "," in cell:
        decimal = "," if cell.rfind(",") > cell.rfind(".") else "."
    whole = cell.replace(".", "").replace(",", ".") if decimal == "," else cell.replace(",", "")
    try:
        return float(whole.replace("\u2212", "-"))
    except ValueError:
        return None
