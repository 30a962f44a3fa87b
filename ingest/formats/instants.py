"""Points in time as devices write them, in numbers or text. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from ingest.formats.decoded import OptionsError
from ingest.formats.rows import Unusable, shown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Mapping[str, float] = MappingProxyType({"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3})
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?")
_ISO, _AUTO = "iso8601", "auto"
FORMS = (_AUTO, *_MS, _ISO)


@dataclass(frozen=True, slots=True)
class TimeForm:
    """``form`` is one of `FORMS`, or a form of strptime; ``zone`` is of what names none."""

    form: str = _AUTO
    zone: tzinfo | None = None

    def ms(self, value: Any, where: str) -> float:
        """ms since 1970; with the form auto a number as it is. NaN for None; raises `Unusable`."""
        if value is None:
            return math.nan
        number = _number(value)
        if self.form in _MS:
            if number is None:
                raise Unusable(f"{where} is {shown(value)}: the form {self.form} is a number")
            return number * _MS[self.form]
        if number is not None and self.form == _AUTO:
            return number
        if not isinstance(value, str):
            raise Unusable(f"{where} is {shown(value)}: it is to be a time, {self._expected}")
        return self._of_text(value, where)

    @property
    def _expected(self) -> str:
        return {_AUTO: "in ms, s or ISO 8601", _ISO: "in ISO 8601"}.get(
            self.form, f"written like {self.form!a}"
        )

    def _of_text(self, value: str, where: str) -> float:
        try:
            if self.form in (_AUTO, _ISO):
                found = datetime.fromisoformat(value)
            else:
                found = datetime.strptime(value, self.form)  # noqa: DTZ007 - a zone is asked for below
        except ValueError:
            raise Unusable(f"{where} is {shown(value)}: that is no time {self._expected}") from None
        if found.tzinfo is None and self.zone is None:
            raise Unusable(
                f"{where} is {shown(value)}, which names no time zone: add zone to the option "
                "time, such as Europe/Berlin or UTC"
            )
        try:
            aware = found if found.tzinfo is not None else found.replace(tzinfo=self.zone)
            return (aware - _EPOCH) / timedelta(milliseconds=1)
        except OverflowError:
            raise Unusable(f"{where} is {shown(value)}: that is no time of ours") from None


def time_form(form: str, zone: str, where: str) -> TimeForm:
    """``form`` and ``zone`` ("" for none) of the option ``where``; raises `OptionsError`."""
    if form not in FORMS:
        _require_strptime(form, f"option {where}.form")
    if zone and form in _MS:
        raise OptionsError(f"option {where}.zone: a number of {form} has no zone: leave it out")
    return TimeForm(form, _zone(zone, f"option {where}.zone") if zone else None)


def _require_strptime(form: str, where: str) -> None:
    known = f"use one of {', '.join(FORMS)}, or a form of strptime such as %d.%m.%Y %H:%M:%S"
    if "%" not in form:
        raise OptionsError(f"{where} is {form!a}: {known}")
    if not re.search(r"%[YyGcxs]", form):
        raise OptionsError(f"{where} is {form!a}, in which no year is: {known}")
    try:
        datetime.strptime("", form)  # noqa: DTZ007 - only to hear whether the form is one
    except ValueError as error:
        if "does not match" not in str(error):
            raise OptionsError(f"{where} is {form!a}: {error}: {known}") from None
    except re.error:
        raise OptionsError(f"{where} is {form!a}, with something twice: {known}") from None


def _zone(name: str, where: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise OptionsError(
            f"{where} is {name!a}: there is no such zone; write one such as Europe/Berlin or UTC"
        ) from None


def _number(value: Any) -> float | None:
    """Of a number, also one that is written as text; None for anything else."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
