"""One page to hang up: how goods are stored in a season that is hard on them, to be printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final, NamedTuple

import yaml

LANGUAGES: Final = {"en": "English", "zh": "中文"}


class Guide(NamedTuple):
    """A page: what threatens, what to do, what never to do."""

    title: str
    why: str
    do: tuple[str, ...]
    never: tuple[str, ...]


class Frame(NamedTuple):
    """The words around every page of a language."""

    do: str
    never: str
    season: str
    all_year: str
    day: str  # how a date is written
    first: str  # before anybody goes near a box
    lang: str


class Season(NamedTuple):
    """When it is at a ``site``: from and to, each; none of them: never, and None: all year."""

    site: str
    spans: Sequence[tuple[datetime, datetime]] | None


class NoGuide(ValueError):
    """There is no such guide; the message says which there are."""


@cache
def _texts() -> tuple[dict[str, Frame], dict[tuple[str, str, str], Guide]]:
    text = (files("rules") / "guides.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    frames = {
        language: Frame(**words, lang=language) for language, words in content["frame"].items()
    }
    guides = {
        (commodity, hazard, language): Guide(
            page["title"], page["why"], tuple(page["do"]), tuple(page["never"])
        )
        for commodity, hazards in content["guides"].items()
        for hazard, languages in hazards.items()
        for language, page in languages.items()
    }
    return frames, guides


def guides() -> Mapping[tuple[str, str, str], Guide]:
    """(commodity, hazard, language) -> guide."""
    return _texts()[1]


def guide(commodity: str, hazard: str, language: str) -> Guide:
    """Raises `NoGuide`."""
    found = guides().get((commodity, hazard, language))
    if found is None:
        there = ", ".join(sorted({f"{goods} {what}" for goods, what, _ in guides()}))
        raise NoGuide(
            f"there is no guide for {commodity} and {hazard} in {language!r}: there are {there},"
            f" in {' and '.join(LANGUAGES)}"
        )
    return found


def page(commodity: str, hazard: str, language: str, season: Season | None = None) -> str:
    """An HTML page of A4 that needs nothing else. ``season``: None: when it is, is not said.

    Raises `NoGuide`.
    """
    told, words = guide(commodity, hazard, language), _texts()[0][language]
    when = f'<p class="season">{escape(_when(season, words))}</p>' if season else ""
    return f"""<!doctype html>
<html lang="{words.lang}">
<meta charset="utf-8">
<title>{escape(told.title)}</title>
<style>{_STYLE}</style>
<h1>{escape(told.title)}</h1>
<p class="first">{escape(words.first)}</p>
{when}<p>{escape(told.why)}</p>
<h2>{escape(words.do)}</h2>
<ol>{"".join(f"<li>{escape(each)}</li>" for each in told.do)}</ol>
<h2 class="never">{escape(words.never)}</h2>
<ul>{"".join(f"<li>{escape(each)}</li>" for each in told.never)}</ul>
</html>
"""


def _when(season: Season, words: Frame) -> str:
    if season.spans is None:
        told = words.all_year
    else:
        days = (tuple(map(words.day.format, span)) for span in season.spans)
        told = ", ".join(f"{begins} – {ends}" for begins, ends in days) or "–"
    return f"{words.season} {told} ({season.site})"


_STYLE: Final = """
@page { size: A4; margin: 18mm }
body { font: 12pt/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif;
  max-width: 174mm; margin: 2em auto; color: #111 }
h1 { font-size: 24pt; line-height: 1.2 } h2 { font-size: 14pt; margin: 1.2em 0 .3em }
li { margin: .3em 0 } .never { color: #a00 } .season { font-weight: bold }
.first { border: 1.5pt solid #a00; padding: .6em 1em }
@media print { body { margin: 0; max-width: none } h2, li { break-inside: avoid } }
"""
