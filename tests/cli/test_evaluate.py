"""`dunnage evaluate`: one journey through rules and scorer, the split, and what it refuses."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cli import evaluated_data, evaluated_journey, evaluating
from cli.evaluated_data import DataReport
from cli.evaluated_journey import Played, play, truth_checksum
from cli.evaluated_lot import PlayedLot
from cli.evaluation_baselines import BASELINES, as_rules
from cli.evaluation_report import Report, tally
from lots.climate import CODES, LotKey
from lots.clock import HOUR_MS
from lots.errors import UserError
from lots.terms import Placement
from rules import pack
from rules.furnace import DRYING_H
from rules.scoring import Page, Span, films, matched
from rules.state import Change, Transition
from simulators import journey
from simulators.world import World
from tests.cli.shell import Shell

NAME, SEED = "unwrapped-too-soon", 2
DATA = Path(__file__).parents[3] / "shared" / "data"


@cache
def played(name: str = NAME, seed: int = SEED) -> Played:
    return play(name, seed, pack.load())


@cache
def world(name: str = NAME, seed: int = SEED) -> World:
    return World(journey.named(name), seed)


def test_what_really_happened_is_what_the_simulators_say() -> None:
    for lot in played().lots:
        happened = [e for e in world().events(lot.lot) if e.kind == "film"]
        assert [span.begins for span in lot.wet] == [each.begins for each in happened]
        sweat = [each.begins for each in happened if each.cause == "sweat"]
        assert [each.begins for each in lot.events["lead.sweat"]] == sweat
        truth = world().truth(lot.lot)
        assert lot.wet == tuple(films(truth.time, truth.film))
        assert lot.whole == Span(world().start_ms, world().end_ms)
    assert played().checksum == truth_checksum(NAME, SEED)
    assert any(lot.events["lead.sweat"] for lot in played().lots)


def test_rules_and_baselines_page_beside_the_truth() -> None:
    told = {rule for lot in played().lots for rule in lot.pages}
    assert "lead.sweat" in told
    assert told <= {each.name for each in (*pack.load().rules, *as_rules().rules)}
    strict, loose = (
        tally(played().lots, "lead.sweat", BASELINES["lead.sweat"]["baseline"][n].rule)
        for n in (0, 5)
    )
    assert strict.pages < loose.pages
    for lot in played().lots:
        for pages in lot.pages.values():
            assert list(pages) == sorted(pages)
            assert all(page.told <= page.lifted for page in pages)


def test_who_knew_the_true_air_and_metal_would_tell_of_every_film_at_once() -> None:
    """At the ten minutes in which it counts for one, or before."""
    for lot in played().lots:
        events, knew = lot.events["lead.sweat"], lot.given_truth.get("lead.sweat", ())
        for event, page in zip(events, matched(events, knew), strict=True):
            assert page is not None
            assert knew[page].told <= event.begins + HOUR_MS / 6
    assert any(lot.given_truth.get("lead.sweat") for lot in played().lots)


@pytest.mark.parametrize(("dry_h", "otherwise"), [(DRYING_H - 1, 1), (DRYING_H, 0)])
def test_unfit_is_what_was_not_dry_for_as_long_as_the_rules_ask(
    dry_h: float, otherwise: int
) -> None:
    """Wet for ten hours, and shown as not fit until it had been dry for ``dry_h``."""
    wet = Span(0, 10 * HOUR_MS)
    shown = Page(0, wet.ends + round(dry_h * HOUR_MS))
    lot = PlayedLot("L1", "lead", Span(0, 99 * HOUR_MS), {}, (), (wet,), {}, {}, (shown,))
    one = Played("made-up", "calm", 1, (lot,), "", 0, 0.0)
    found = Report(pack.load(), "tuning", [1], [one], [one], DataReport()).furnace()
    assert found is not None
    assert (found.unfit_lots, found.shown_otherwise) == (1, otherwise)
    assert found.needless == 0.0


def test_who_knows_the_truth_of_wool_knows_how_warm_its_core_is() -> None:
    of_lead = world().truth(world().lots[0].key)
    none = np.zeros(len(of_lead.time))
    of_wool = replace(of_lead, mould_index=none, core_temperature=none + 40.0)
    for truth, inside, value in (
        (of_lead, Placement.SURFACE, of_lead.surface_temperature[0]),
        (of_wool, Placement.CORE, 40.0),
    ):
        known = evaluated_journey._measured(truth)
        of_inside = known.placement != CODES[Placement.AIR]
        assert set(known.placement[of_inside]) == {CODES[inside]}
        assert known.temperature[of_inside][0] == value


def test_a_page_is_told_when_its_reading_arrives() -> None:
    """The baseline's pages are found in another way: all readings at once."""
    rules = pack.parse({"test.yaml": ONE_RULE})
    ours = play(NAME, SEED, rules)
    for lot in ours.lots:
        mine, theirs = lot.pages.get("lead.one", ()), lot.pages.get("margin_1", ())
        assert mine
        assert [page.told for page in mine] == [page.told for page in theirs]


def test_what_was_over_long_before_it_arrived_pages_nobody() -> None:
    """A tag comes back from two days at sea: of three sweats the one that lasts is told, and one
    that was over two hours ago."""
    key = LotKey("t", "L")
    steps = [(1, 1), (9, 0), (25, 1), (33, 0), (47, 1)]
    events = [Transition("lead.sweat", step, hour * HOUR_MS, {}) for hour, step in steps]
    for now, pages in ((48, 1), (35, 2)):
        desk = evaluated_journey._Desk({"lead.sweat": 24 * HOUR_MS})
        desk.take(Change(key, 0, {}, events), now * HOUR_MS)
        assert len(desk.by_lot()[key]["lead.sweat"]) == pages


ONE_RULE = """\
pack: test
applies_to: {commodity: lead}
rules:
  lead.one:
    {title: t, severity: info, action: a, based_on: b, when: margin < 1, clear: margin >= 1.5}
"""


def test_corrected_bindings_and_backlogs_are_folded_again() -> None:
    found = played("tags-gone-wrong", 1)
    assert {lot.commodity for lot in found.lots} == {"lead", "wool"}
    assert all(not lot.events.get("lead.sweat") for lot in found.lots)


def test_each_kind_is_for_tuning_or_for_testing() -> None:
    kinds = {each.kind for each in journey.carried()}
    assert kinds >= evaluating.TUNING_KINDS
    tuning = evaluating.planned((), evaluating.TUNING_SEEDS, tuning=True)
    test = evaluating.planned((), evaluating.TEST_SEEDS, tuning=False)
    assert not {run.journey for run in tuning} & {run.journey for run in test}
    assert {run.journey for run in (*tuning, *test)} == set(journey.library())
    assert max(run.seed for run in tuning) < evaluating.FIRST_TEST_SEED
    assert min(run.seed for run in test) >= evaluating.FIRST_TEST_SEED


def test_all_that_is_played_by_default_is_frozen() -> None:
    truths = json.loads(evaluating.FROZEN.read_text(encoding="utf-8"))["truths"]
    assert {str(run) for run in evaluating.by_default()} == truths.keys()


def test_another_truth_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    frozen = tmp_path / "truth.json"
    monkeypatch.setattr(evaluating, "FROZEN", frozen)
    words = ("evaluate", "--tuning", "--journeys", "calm", "--seeds", "7")
    assert "has no frozen truth" in shell.refusal(*words)
    frozen.write_text(json.dumps({"version": 0, "truths": {}}), encoding="utf-8")
    assert "is of version 0" in shell.refusal(*words)
    content = {"version": evaluating.truth.VERSION, "truths": {}}
    frozen.write_text(json.dumps(content), encoding="utf-8")
    assert "lacks calm 1: " in shell.refusal("evaluate", "--tuning", "--journeys", "calm")
    with pytest.raises(UserError, match=r"the truth of unwrapped-too-soon 2 is .* has 1234"):
        evaluating._require_frozen({f"{NAME} {SEED}": "1234"}, evaluating.Run(NAME, SEED), played())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--seeds", "x"), "--seeds 'x': write the first and the last"),
        (("--seeds", "9:8"), "write the first and the last"),
        (("--tuning", "--seeds", "99:100"), "seeds from 100 on are for testing"),
        (("--seeds", "0:99999999999"), "more than 1,000 at once"),
        (("--journeys", "nowhere"), "there is no journey 'nowhere'"),
        (("--data", "nowhere"), "--data nowhere is no folder"),
        (("--details", "nowhere/x.csv"), "--details nowhere/x.csv cannot be written"),
        (("--details", "."), "--details . cannot be written"),
        (("--journeys", "calm"), "journey calm is not in the test part: add --tuning"),
        (("--tuning", "--journeys", NAME), "is not in the tuning part: leave out --tuning"),
    ],
)
def test_what_cannot_be_played_is_said(shell: Shell, words: tuple[str, ...], told: str) -> None:
    assert told in shell.refusal("evaluate", *words)


@pytest.mark.parametrize("given", ["", ","])
def test_no_journey_is_not_all_of_them(shell: Shell, given: str) -> None:
    assert b"it names no journey" in shell("evaluate", "--journeys", given).stderr


def test_figures_are_told_where_the_disk_is_full_of_details(shell: Shell) -> None:
    words = ("evaluate", "--tuning", "--journeys", "door-left-open", "--seeds", "1", "--processes")
    done = shell(*words, "1", "--json", "--details", "/dev/full", "--data", str(shell.folder))
    assert done.returncode == 1
    assert json.loads(done.stdout.decode().splitlines()[-1])["seeds"] == [1]
    assert b"--details /dev/full cannot be written (No space left on device)" in done.stderr


def test_figures_come_as_json_and_as_tables(shell: Shell) -> None:
    words = ("evaluate", "--tuning", "--journeys", "door-left-open", "--seeds", "1", "--processes")
    done = shell(*words, "1", "--json", "--details", "all.csv", "--data", str(shell.folder))
    assert done.returncode == 0, done.stderr.decode()
    last = json.loads(done.stdout.decode().splitlines()[-1])
    assert (last["seeds"], last["part"], last["journeys"]) == ([1], "tuning", ["door-left-open"])
    furnace = last["rules"]["lead.furnace"]
    assert furnace["unfit_lots"] == 2
    assert furnace["shown_otherwise"] == furnace["shown_late"], "known with the next reading"
    assert 0 <= furnace["needless_not_fit"] < 1
    assert last["rules"]["wool.mould"] is None
    sweat = last["rules"]["lead.sweat"]
    names = {"precision", "recall", "median_lead_h", "false_per_lot_month"}
    assert names <= sweat.keys()
    assert names <= sweat["baseline"].keys()
    knew = sweat["given_truth"]
    assert (knew["recall"], knew["heard"]) == (1.0, sweat["events"])
    said = done.stderr.decode()
    assert "wool.mould is not scored: these journeys have nothing that it is to tell of." in said
    with (shell.folder / "all.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["rule"] == "lead.sweat"]
    assert sum(row["outcome"] != "false" for row in rows) == sweat["events"]
    assert sum(row["outcome"] == "false" for row in rows) == sweat["false"]


def test_a_pool_of_processes_finds_the_same() -> None:
    runs = [evaluating.Run(NAME, SEED), evaluating.Run(NAME, 3)]
    found = evaluating._each(runs, truth_checksum, 2)
    assert found == evaluating._each(runs, truth_checksum, 1)
    assert found[runs[0]] == played().checksum


def test_what_is_wrong_with_one_journey_ends_them_all() -> None:
    with pytest.raises(ValueError, match="there is no journey 'nowhere'"):
        evaluating._each([evaluating.Run("nowhere", 1)] * 3, truth_checksum, 2)


def test_tables_are_for_people(shell: Shell) -> None:
    words = ("evaluate", "--tuning", "--journeys", "door-left-open", "--seeds", "1")
    shown = shell.says(*words, "--processes", "1", "--data", str(shell.folder))
    assert "Alerts beside the truth: the tuning part, seeds 1 to 1" in shown
    assert "margin under" in shown
    assert "By journey" in shown


# Measured series.


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(UserError, match="--data nowhere is no folder"):
        evaluated_data.judged(Path("nowhere"), pack.load())


def test_what_a_folder_lacks_is_said(tmp_path: Path) -> None:
    found = evaluated_data.judged(tmp_path, pack.load())
    assert found.figures == {}
    assert len(found.words) == 2
    assert "sweat_outdoors is not judged: there is no" in found.words[0]


def test_a_table_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / evaluated_data.OUTDOORS
    file.parent.mkdir()
    file.write_bytes(b"time\xff\n1\n")
    with pytest.raises(UserError, match="sweat_outdoors cannot be judged by"):
        evaluated_data.judged(tmp_path, pack.load())


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text("time,temperature_c,humidity_pct\n2020-01-01T00:00:00Z,x,50\n")
    with pytest.raises(UserError, match=r"some.csv, line 2: .*a table has time"):
        evaluated_data.read(file)


def test_metal_in_warm_damp_air_gets_wet() -> None:
    hours = 24
    air = evaluated_data.Series(
        np.arange(hours) * HOUR_MS,
        np.array([0.0] * 4 + [25.0] * (hours - 4)),
        np.array([50.0] * 4 + [60.0] * (hours - 4)),
    )
    surface, film = evaluated_data.metal(air)
    assert surface[3] == 0.0
    assert 0.0 < surface[4] < surface[5] < 25.0
    assert film[3] == 0.0
    assert 100 < film[4] < 170  # 170 g/m²h while it is at 0 °C
    assert film[-1] < film.max()
    ((event),) = evaluated_data.sweats(air)
    assert event.begins == 4 * HOUR_MS


@pytest.mark.skipif(not DATA.is_dir(), reason="there is no ../shared/data")
def test_the_scorer_comes_to_what_others_found() -> None:
    figures = evaluated_data.judged(DATA, pack.load()).figures["sweat_outdoors"]
    assert figures["recall"] == pytest.approx(0.90, abs=0.01)
    assert figures["precision"] == pytest.approx(0.33, abs=0.02)
    assert figures["false_per_month"] == pytest.approx(12.6, abs=0.4)
