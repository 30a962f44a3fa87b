"""What can be said of charging a lot of lead to a melt: never that it is fit.

Water in or on an ingot that is charged to a melt erupts as steam. No tag sees into a cavity, so the
best that there is, is that no wetting was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Codes = NDArray[np.int8]

DRYING_H: Final = 24.0
"""So long a lot has to have been dry: not all its faces dry as the one that is reckoned. [D]"""


class Furnace(IntEnum):
    """There is no more than this: no tag sees rain, ice or a cavity."""

    NOT_FIT = 0
    INSPECT_AND_PREHEAT = 1  # no wetting seen


class NotFit(IntFlag):
    """Why a lot is not fit for the furnace."""

    WET = 1  # there is water or ice on it
    NOT_DRY_LONG_ENOUGH = 2
    UNKNOWN = 4  # a gap, a doubtful sensor, metal of unknown temperature
    OUTDOORS = 8  # rain and ice that no tag sees


WORDS: Final[Mapping[NotFit, str]] = MappingProxyType(
    {
        NotFit.WET: "there is water or ice on it",
        NotFit.NOT_DRY_LONG_ENOUGH: f"it has not been dry for {DRYING_H:g} h, cavities included",
        NotFit.UNKNOWN: "whether it is wet is not known",
        NotFit.OUTDOORS: "it stands in the open or nobody knows where, or is being loaded: rain and"
        " ice that no tag sees",
    }
)


class Said(NamedTuple):
    """What is shown of a lot: ``state`` of `Furnace`, by its name in small letters, and why."""

    state: str
    why: str


NOT_KNOWN: Final = Said("not_fit", WORDS[NotFit.UNKNOWN])


def said(numbers: Mapping[str, float], *, fresh: bool) -> Said:
    """Of a lot's ``numbers`` now; ``fresh``: its newest reading still holds, else it is unknown."""
    code = numbers.get("not_fit")
    if code is None or not fresh:
        return NOT_KNOWN
    reasons = [words for reason, words in WORDS.items() if int(code) & reason]
    if reasons:
        return Said("not_fit", "; ".join(reasons))
    return Said("inspect_and_preheat", "no wetting was seen: inspect it, and preheat it")


def furnace_state(
    film_g_m2: ArrayLike,
    worst_g_m2: ArrayLike,
    dry_hours: ArrayLike,
    drying_h: ArrayLike = DRYING_H,
    *,
    believed: ArrayLike = True,
    in_the_open: ArrayLike = False,
) -> tuple[Codes, Codes]:
    """`Furnace` and, where it is not fit, all the `NotFit` reasons.

    ``film_g_m2``, ``worst_g_m2``, ``dry_hours``: of `rules.lead.film_course`; ``drying_h``: so long
    it has to have been dry; ``believed``: False where a sensor it rests on is in doubt;
    ``in_the_open``: now, or that is not known; what it may have got there counts in ``dry_hours``.
    What is unknown is not fit.
    """
    seen, most, dry, enough = (
        np.asarray(v, float) for v in (film_g_m2, worst_g_m2, dry_hours, drying_h)
    )
    unknown = np.isnan(seen + most + dry + enough) | ~np.asarray(believed, bool)
    unknown = unknown | ((most > 0.0) & (seen <= 0.0))
    reasons = (
        np.where(seen > 0.0, NotFit.WET, 0)
        | np.where(dry < enough, NotFit.NOT_DRY_LONG_ENOUGH, 0)
        | np.where(unknown, NotFit.UNKNOWN, 0)
        | np.where(np.asarray(in_the_open, bool), NotFit.OUTDOORS, 0)
    )
    fit = np.where(reasons == 0, Furnace.INSPECT_AND_PREHEAT, Furnace.NOT_FIT)
    return fit.astype(np.int8), np.asarray(reasons, np.int8)
