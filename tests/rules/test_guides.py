"""The pages to hang up: one for each hazard of each of the goods, in each language."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from rules.guides import LANGUAGES, NoGuide, Season, guide, guides, page
from rules.outlook import HAZARDS

ALL = [
    (commodity, hazard, language)
    for hazard, of in HAZARDS.items()
    for commodity in of.commodities
    for language in LANGUAGES
]


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_there_is_one_for_every_hazard_and_no_other():
    assert set(guides()) == set(ALL)


@pytest.mark.parametrize(("commodity", "hazard", "language"), ALL)
def test_a_page_has_all_that_the_guide_says_and_needs_nothing_else(commodity, hazard, language):
    told = guide(commodity, hazard, language)
    assert min(len(told.do), len(told.never)) >= 2
    text = page(commodity, hazard, language, Season("Miami & Co", None))
    elements = Elements(text).found
    assert sum(tag == "li" for tag, _ in elements) == len(told.do) + len(told.never)
    assert ("html", {"lang": language}) in elements
    assert not {"src", "href"} & {name for _, attrs in elements for name in attrs}
    assert "(Miami &amp; Co)" in text
    assert "@page" in text


@pytest.mark.parametrize(("commodity", "hazard"), sorted({each[:2] for each in ALL}))
def test_the_languages_say_as_much(commodity, hazard):
    english, chinese = (guide(commodity, hazard, language) for language in ("en", "zh"))
    assert (len(english.do), len(english.never)) == (len(chinese.do), len(chinese.never))
    assert not any("\u4e00" <= c <= "\u9fff" for c in "".join((*english.do, english.why)))
    assert all(any("\u4e00" <= c <= "\u9fff" for c in line) for line in (*chinese.do, chinese.why))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_first_to_read_the_label(language):
    """Before all else that it says."""
    first = {"en": "Read the door label first", "zh": "请先阅读箱门标签"}[language]
    for commodity, hazard, _ in ALL:
        _, _, said = page(commodity, hazard, language).partition("</h1>")
        assert first in said.split("</p>")[0]


@pytest.mark.parametrize(
    ("language", "spans", "told"),
    [
        ("en", [(5, 11)], "When here: 2 May – 2 November (HH)"),
        ("zh", [(5, 11)], "本地时段： 5月2日 – 11月2日 (HH)"),
        ("zh", [(5, 6), (9, 11)], "5月2日 – 6月2日, 9月2日 – 11月2日 (HH)"),
        ("en", None, "all year (HH)"),
        ("zh", None, "全年 (HH)"),
        ("zh", [], "本地时段： – (HH)"),
    ],
)
def test_the_season_is_told_in_the_language_of_the_page(language, spans, told):
    days = spans and [
        tuple(datetime(2001, month, 2, tzinfo=UTC) for month in span) for span in spans
    ]
    assert f"{told}</p>" in page("lead", "damp", language, Season("HH", days))


def test_a_guide_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(NoGuide, match="lead damp, lead frost, lead sweat, wool damp, wool moth"):
        page("lead", "moth", "en")
    with pytest.raises(NoGuide, match="'fr'"):
        page("lead", "damp", "fr")
