"""What the columns of a logger's table are: quantity and unit, by heading and cells. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from lots.loggers.tables import refused

SKIP, TIME, DATE = "skip", "time", "date"

Scale = tuple[float, float]
"""value in our unit = factor x value + offset"""

_DEGREES = {"°C": (1.0, 0.0), "°F": (5 / 9, -160 / 9), "K": (1.0, -273.15)}
UNITS: Mapping[str, Mapping[str, Scale]] = MappingProxyType(
    {
        "temperature": _DEGREES,
        "probe": _DEGREES,
        "humidity": {"%RH": (1.0, 0.0)},
        "pressure": {
            "hPa": (1.0, 0.0),
            "kPa": (10.0, 0.0),
            "Pa": (0.01, 0.0),
            "bar": (1000.0, 0.0),
            "inHg": (33.86389, 0.0),
            "mmHg": (1.333224, 0.0),
            "psi": (68.94757, 0.0),
        },
        "battery": {"V": (1.0, 0.0), "mV": (0.001, 0.0)},
        "light": {"lx": (1.0, 0.0), "klx": (1000.0, 0.0)},
    }
)
"""quantity -> unit -> how it becomes ours, which is the first."""

_SPELLINGS = (
    ("°C", r"°\s?c\b|℃|\bdeg(?:rees?)?\.?\s?c\b|celsius|[_( \[,]c[)\]]?$|^c$"),
    ("°F", r"°\s?f\b|℉|\bdeg(?:rees?)?\.?\s?f\b|fahrenheit|[_( \[,]f[)\]]?$|^f$"),
    ("K", r"\bkelvin\b|[( \[]k[)\]]$|^k$"),
    ("%RH", r"%|\bpct\b|_pct$|percent"),
    ("hPa", r"\bhpa\b|_hpa$|\bm(?:illi)?bar\b"),
    ("kPa", r"\bkpa\b|_kpa$"),
    ("Pa", r"\bpa\b|_pa$"),
    ("bar", r"\bbar\b"),
    ("inHg", r"\bin\.?\s?hg\b"),
    ("mmHg", r"\bmm\.?\s?hg\b|\btorr\b"),
    ("psi", r"\bpsi\b"),
    ("mV", r"\bmv\b|_mv$"),
    ("V", r"\bv\b|_v$|\bvolts?\b"),
    ("klx", r"\bklu?x\b"),
    ("lx", r"\blu?x\b|_lux$"),
)
_DERIVED = re.compile(
    r"dew|taupunkt|ros[ée]e|roc[ií]o|wet.?bulb|feuchtkugel|abs(?:olute?)?\b|\bvpd\b|heat.?index"
    r"|\bmin\b|\bmax\b|minimum|maximum|\bavg\b|average|mittel|\bmean\b|alarm|limit|\bmkt\b"
)
_QUANTITIES = (
    ("humidity", r"humid|\bhum\b|feuchte|\brh\b|%\s?r\.?[hf]|\br\.?[hf]\.?\b|humedad|umidit"),
    ("pressure", r"press|druck|presi[oó]n|\bhpa\b|\bmbar\b|_hpa$"),
    ("battery", r"batt|akku|pile\b"),
    ("light", r"\blu?x\b|light|illumin|helligkeit"),
    ("temperature", r"temp|°\s?[cf]\b|℃|℉|celsius|fahrenheit|w[aä]rme"),
)
_PROBE = re.compile(r"probe|extern|\bext\b|sonde|f[uü]hler|surface|oberfl|\bcore\b|\bkern")
_SERIALS = re.compile(r"\(?\s*(?:lgr|sen)?\s*s/n:?.*$|\(\s*lbl:.*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """Column ``index`` is ``quantity`` in ``unit``; without a quantity, ``why`` it is not taken."""

    index: int
    heading: str
    quantity: str | None = None
    unit: str | None = None
    why: str = ""

    @property
    def scale(self) -> Scale:
        units = UNITS.get(self.quantity or "", {})
        return units.get(self.unit or "", (1.0, 0.0))


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody says a column is: a quantity with its unit, `TIME`, `DATE` or `SKIP`."""

    column: str  # its heading, or # and its number from 1
    what: str
    unit: str | None


def wish(text: str) -> Wish:
    """``HEADING=QUANTITY:UNIT``, ``#3=skip``, ``Stamp=time``; raises `ImportRefused`."""
    column, equals, said = text.rpartition("=")
    what, _, unit = said.partition(":")
    what = what.strip()
    if not equals or not column.strip() or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", what):
        raise refused(
            f"the column {text[:80]!r} cannot be read: write HEADING=QUANTITY:UNIT, such as"
            ' "Temp 1=temperature:°C", or HEADING=skip, time or date'
        )
    if what not in UNITS or not unit.strip():
        return Wish(column.strip(), what, unit.strip() or None)
    return Wish(column.strip(), what, _unit_named(what, unit.strip()))


def place_of(wanted: str, headings: Sequence[str]) -> int:
    """The index of a column by heading or #number; raises `ImportRefused`."""
    if re.fullmatch(r"#\d{1,4}", wanted) and 1 <= int(wanted[1:]) <= len(headings):
        return int(wanted[1:]) - 1
    same = [n for n, each in enumerate(headings) if _plain(each) == _plain(wanted)]
    if not same:
        same = [n for n, each in enumerate(headings) if _plain(each).startswith(_plain(wanted))]
    if len(same) == 1:
        return same[0]
    there = ", ".join(f"#{n} {each!r}" for n, each in enumerate(headings, start=1))
    told = "there is no column" if not same else "there is more than one column"
    raise refused(f"{told} {wanted[:80]!r}: there are {there}")


def guess(index: int, heading: str, cells: Sequence[str]) -> Column:
    """What a column with numbers is, by its heading and by units within its cells."""
    text = _SERIALS.sub("", _plain(heading)).strip()
    if _DERIVED.search(text):
        return Column(index, heading, why="worked out from the others, or a limit")
    unit = _unit_in(text) or _unit_in(_ending(cells))
    quantity = next((name for name, form in _QUANTITIES if re.search(form, text)), None)
    if quantity is None and unit is not None:
        quantity = next((name for name, units in UNITS.items() if unit in units), None)
    if quantity is None:
        return Column(index, heading, why="of no quantity that is known")
    if quantity == "temperature" and _PROBE.search(text):
        quantity = "probe"
    if quantity == "humidity":
        unit = "%RH"  # there is no other
    if unit not in UNITS[quantity]:
        unit = None
    return Column(index, heading, quantity, unit)


def _unit_named(quantity: str, text: str) -> str:
    found = next((unit for unit in UNITS[quantity] if unit.lower() == text.lower()), None)
    found = found or _unit_in(text.lower())
    if found not in UNITS[quantity]:
        there = ", ".join(UNITS[quantity])
        raise refused(f"{text[:20]!r} is no unit of {quantity}: write one of {there}")
    return str(found)


def _unit_in(text: str) -> str | None:
    return next((unit for unit, form in _SPELLINGS if re.search(form, text)), None)


def _ending(cells: Sequence[str]) -> str:
    """What stands behind the number in the first cell that has one."""
    for cell in cells:
        if match := re.fullmatch(r"[-+]?\d+(?:[.,]\d+)?\s*(\D{1,5})", cell):
            return _plain(match[1])
    return ""


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).replace("º", "°").lower().split())
