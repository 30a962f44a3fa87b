"""`dunnage whatif` and `dunnage import climate`, as they are typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lots import registry
from lots.clock import Clock
from lots.model import LotNow
from rules.knowledge import HANDS_ON
from tests.cli.shell import Shell

SITES = b"id,name,latitude,longitude,timezone\nMIAMI,Miami,25.8,-80.3,America/New_York\n"
LOTS = b"""id,commodity,form,net_mass_kg,packages,packaging,time_constant_h
PB,lead,ingot,1000,1,strapped,4.3
WO,wool,greasy,1000,5,bale_nylon,
"""
MOVES = b"lot,at,place\nPB,2025-01-01T00:00Z,BAY\n"
PLACES = b"id,site,kind,name\nBAY,MIAMI,bay,Bay 1\nBOX,,container,Box\n"


def weather(days: int = 365) -> bytes:
    """Miami in a word: 25 °C, and 60 %RH by day, 90 by night."""
    begins = datetime(2024, 1, 1, tzinfo=UTC)
    rows = ["time,temperature_c,humidity_pct"]
    for hour in range(24 * days):
        at = begins + timedelta(hours=hour)
        rows.append(f"{at:%Y-%m-%dT%H:%MZ},25,{60 if 12 <= at.hour < 24 else 90}")
    return "\n".join(rows).encode()


@pytest.fixture
def miami(shell: Shell) -> Shell:
    """A cold lot in a bay of a site whose climate is known."""
    for kind, data in (("sites", SITES), ("places", PLACES), ("lots", LOTS), ("moves", MOVES)):
        shell.says("import", kind, "-", given=data)
    know(shell, "PB")
    return shell


def know(shell: Shell, lot: str, hours_ago: float = 0.1, **numbers: float) -> None:
    at = Clock().now_ms() - round(hours_ago * 3_600_000)
    known = {"surface": 2.0, "temperature": 12.0, "dew_point": 1.0, "film": 0.0, **numbers}
    engine = registry.connect(f"sqlite:///{shell.folder / 'data' / 'registry.sqlite'}")
    with registry.writing(engine) as session:
        session.merge(
            LotNow(tenant="default", lot=lot, at=at, status="ok", why=None, numbers=known)
        )
    engine.dispose()


def climate(shell: Shell, *words: str) -> str:
    return shell.says("import", "climate", "-", "--site", "MIAMI", *words, given=weather())


def compared(shell: Shell, *words: str) -> Any:
    return json.loads(shell.says("whatif", "PB", *words, "--json"))


def test_a_climate_is_kept_with_its_site(miami: Shell) -> None:
    assert "dry run" in climate(miami, "--dry-run", "--source", "made up")
    engine = registry.connect(f"sqlite:///{miami.folder / 'data' / 'registry.sqlite'}")
    with registry.reading(engine) as session:
        assert registry.get(session, "default", "sites", "MIAMI").climate is None  # type: ignore[union-attr]
    told = climate(miami, "--source", "made up")
    assert told.startswith("climate of MIAMI: January 25.0 °C, dew point 20.")
    miami.says("import", "sites", "-", given=SITES)
    with registry.reading(engine) as session:
        kept = registry.get(session, "default", "sites", "MIAMI").climate  # type: ignore[union-attr]
    engine.dispose()
    assert kept.source == "made up (2024-01-01 to 2024-12-30)"
    assert kept.dew_point[5][0] > kept.dew_point[5][18] + 5, "another file says nothing of it"


def test_too_little_weather_or_none_is_refused(miami: Shell) -> None:
    (miami.folder / "short.csv").write_bytes(weather(days=50))
    refusal = miami.refusal("import", "climate", "short.csv", "--site", "MIAMI")
    assert "February, March, April" in refusal
    assert "fewer than 20 days" in refusal
    (miami.folder / "bad.csv").write_bytes(weather(days=2).replace(b"25,60", b"warm,60"))
    refusal = miami.refusal("import", "climate", "bad.csv", "--site", "MIAMI")
    assert 'row 14, temperature_c: "warm" is not a number' in refusal
    assert "no site 'OSLO'" in miami.refusal(
        "import", "climate", "short.csv", "--site", "OSLO"
    ) or ("fewer than" in miami.refusal("import", "climate", "short.csv", "--site", "OSLO"))
    assert "fewer than 20 days" in miami.refusal(
        "import", "climate", "--place", "BAY", "--site", "MIAMI"
    ), "no tag has measured there"


def test_hours_are_compared_and_waiting_has_its_worth(miami: Shell) -> None:
    climate(miami)
    now, later = (
        (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")
        for hours in (0.01, 5)
    )
    found = compared(miami, "--open", now, "--open", later)
    first, second = found["hours"]
    assert found["site"] == "MIAMI"
    assert first["wet_h"] > 0 < second["wet_h"]
    assert second["margin_k"] > first["margin_k"], "it has warmed, whatever the hour of the day"
    assert first["margin_k"] < -10
    assert first["worst_g_m2"] >= first["film_g_m2"]
    told = miami.says("whatif", "PB", "--open", now, "--open", "09:00")
    assert "margin K" in told
    assert "keeps off" in told or "no hour is safe" in told


def test_air_that_is_known_stands_for_the_climate(miami: Shell) -> None:
    told = miami.says("whatif", "PB", "--open", "09:00", "--temperature", "20", "--humidity", "20")
    assert "waiting is worth nothing" in told


def test_holds_come_first(miami: Shell) -> None:
    hold = b"kind,lot,begins,lifted_by\nfumigated,PB,2025-01-01T00:00Z,Harbour Gas Service\n"
    miami.says("import", "holds", "-", given=hold)
    climate(miami)
    assert "Harbour Gas Service" in compared(miami, "--open", "09:00")["first"]
    done = miami("whatif", "PB", "--open", "09:00")
    assert b"Leave it closed" in done.stderr


IN_BOX = b"lot,at,place\nPB,2025-01-02T00:00Z,BOX\n"
HELD = b"kind,lot,begins,lifted_by\nquarantine,PB,2025-01-01T00:00Z,Vet\n"


@pytest.mark.parametrize(("kind", "row"), [("moves", IN_BOX), ("holds", HELD)])
@pytest.mark.parametrize("humidity", ["20", "90"])
def test_what_waiting_is_worth_is_no_leave_under_a_hold(
    miami: Shell, kind: str, row: bytes, humidity: str
) -> None:
    words = ("whatif", "PB", "--open", "09:00", "--temperature", "20", "--humidity", humidity)
    miami.says("import", kind, "-", given=row)
    done = miami(*words)
    assert done.stderr
    told = done.stdout.decode()
    assert not HANDS_ON.search(told + done.stderr.decode())
    assert "\nBy water alone, and once that is lifted or known: " in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("PB", "--open", "09:00"), "dunnage import climate FILE --site MIAMI"),
        (("WO", "--open", "09:00"), "for lead alone"),
        (("XX", "--open", "09:00"), "there is no lot 'XX'"),
        (("PB", "--open", "09:00", "--site", "OSLO"), "no site 'OSLO'"),
        (("PB", "--open", "soon"), "write 09:00"),
        (
            ("PB", "--open", "2020-01-01T09:00", "--temperature", "20", "--humidity", "50"),
            "not within 48 h",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_remedy(
    miami: Shell, words: tuple[str, ...], says: str
) -> None:
    assert says in miami.refusal("whatif", *words)


def test_numbers_that_are_old_or_missing_say_nothing(miami: Shell, tmp_path: Path) -> None:
    know(miami, "PB", hours_ago=7)
    assert "last heard of" in miami.refusal("whatif", "PB", "--open", "09:00")
    engine = registry.connect(f"sqlite:///{miami.folder / 'data' / 'registry.sqlite'}")
    with registry.writing(engine) as session:
        session.get(LotNow, ("default", "PB")).numbers = {"surface": 3.0}  # type: ignore[union-attr]
    engine.dispose()
    assert "not known now" in miami.refusal("whatif", "PB", "--open", "09:00")
