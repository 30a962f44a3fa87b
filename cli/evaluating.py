"""What `dunnage evaluate` does: plays journeys, lays alerts beside the truth, chooses baselines.

Which journeys and seeds are for tuning and which for testing is fixed here, and why is written in
``docs/decisions/evaluation.md``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import NamedTuple, TypeVar

from rich.console import Console

from cli import evaluated_journey
from cli.evaluated_data import judged
from cli.evaluated_journey import Played
from cli.evaluation_details import require_writable, write_details
from cli.evaluation_report import Report
from cli.parts import rules_of
from cli.terminal import print_json
from lots.errors import UserError
from lots.settings import load
from rules import pack
from simulators import journey, truth
from simulators.climate import NotHere
from simulators.command import say
from simulators.progress import progress

TUNING_KINDS = frozenset(
    [
        "calm",
        "cold_chain",
        "cold_roof",
        "cold_to_warm",
        "damp_shed",
        "damp_wool",
        "door",
        "drying_bags",
        "film_off",
        "frost",
        "hot_yard",
        "old_tags",
        "short_sea",
        "showers",
        "soaked_bales",
        "ventilation",
        "wet_dunnage",
    ]
)
"""Kinds of journeys that rules may be tuned on. All others are for testing, new ones too."""

FIRST_TEST_SEED = 100
"""Seeds before it are for tuning."""

TUNING_SEEDS = range(1, 7)
TEST_SEEDS = range(501, 507)
"""Those that are played where nothing else is said."""

MOST_SEEDS = 1_000
"""A run of them all takes days; a slip of the hand is none."""

REMEDY = (
    "rules are tuned and judged on the frozen truth alone. If it changed on purpose, raise VERSION"
    " in simulators/truth.py and write it anew, before anything is tuned: dunnage evaluate --freeze"
)
FROZEN = Path(__file__).with_name("evaluation_truth.json")
WIDTH = 120
"""Columns of text where standard output is no terminal."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """The command's arguments, as they were given."""

    seeds: str | None
    journeys: tuple[str, ...]
    tuning: bool
    processes: int
    as_json: bool
    details: Path | None
    data: Path | None


class Run(NamedTuple):
    """A journey of the library and a seed of it."""

    journey: str
    seed: int

    def __str__(self) -> str:
        return f"{self.journey} {self.seed}"


def evaluate(given: Given) -> None:
    """Play, score, print. Raises `UserError`."""
    settings = load()
    rules = rules_of(settings)
    seeds = _seeds(given.seeds, given.tuning)
    runs = planned(given.journeys, seeds, tuning=given.tuning)
    # What may be refused comes first: the journeys take an hour.
    measured = judged(given.data, rules)
    if given.details is not None:
        require_writable(given.details)
    # The limits of the baselines are chosen on the tuning part, always.
    tuned = runs if given.tuning else planned((), TUNING_SEEDS, tuning=True)
    every = list(dict.fromkeys((*runs, *tuned)))
    play, check = partial(_play, settings.packs), partial(_require_frozen, _frozen(every))
    begun = monotonic()
    played = _each(every, play, given.processes, check)
    slowest = max(every, key=lambda run: played[run].seconds)
    say(
        f"{len(every)} journeys took {monotonic() - begun:.0f} s, the longest"
        f" {played[slowest].seconds:.0f} s ({slowest})."
    )
    report = Report(
        rules,
        "tuning" if given.tuning else "test",
        seeds,
        [played[run] for run in runs],
        [played[run] for run in tuned],
        measured,
    )
    for line in report.words():
        say(line)
    if given.as_json:
        print_json(report.as_json())
    else:
        console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
        for table in report.tables():
            console.print(table)
    if given.details is not None:  # last: the disk may be full by now, and the figures are told
        write_details(given.details, report.played)


def freeze(processes: int) -> None:
    """Write the checksums of the truth that `evaluate` plays by default. Raises `UserError`."""
    found = _each(by_default(), evaluated_journey.truth_checksum, processes)
    content = {"version": truth.VERSION, "truths": {str(run): found[run] for run in sorted(found)}}
    try:
        FROZEN.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{FROZEN} cannot be written ({error.strerror}): --freeze is for a checkout of the"
            " sources"
        ) from error
    say(f"wrote {FROZEN}")


# What is played.


def by_default() -> list[Run]:
    """What is played where nothing else is said."""
    return [*planned((), TEST_SEEDS, tuning=False), *planned((), TUNING_SEEDS, tuning=True)]


def planned(keys: Sequence[str], seeds: Sequence[int], *, tuning: bool) -> list[Run]:
    """The runs of one part, of the journeys ``keys`` (none: all of them). Raises `UserError`."""
    library = {each.key: each for each in journey.carried()}
    unknown = [key for key in keys if key not in library]
    if unknown:
        raise UserError(
            f"there is no journey {unknown[0]!r}: use some of {', '.join(sorted(library))}"
        )
    part = [each for each in library.values() if (each.kind in TUNING_KINDS) == tuning]
    named = {each.key for each in part}
    strange = [key for key in keys if key not in named]
    if strange:
        theirs = "leave out --tuning" if tuning else "add --tuning"
        raise UserError(
            f"journey {strange[0]} is not in the {'tuning' if tuning else 'test'} part: {theirs},"
            f" or use some of {', '.join(sorted(named))}"
        )
    wanted = [each for each in part if not keys or each.key in keys]
    wanted.sort(key=lambda each: -each.days * len(each.lots))  # the longest first
    return [Run(each.key, seed) for each in wanted for seed in seeds]


def _seeds(text: str | None, tuning: bool) -> Sequence[int]:
    if text is None:
        return TUNING_SEEDS if tuning else TEST_SEEDS
    first, _, last = text.partition(":")
    if not (first.isdecimal() and (last or first).isdecimal()) or int(first) > int(last or first):
        raise UserError(f"--seeds {text!r}: write the first and the last, such as 501:506")
    found = range(int(first), int(last or first) + 1)
    if found[-1] - found[0] >= MOST_SEEDS:
        raise UserError(f"--seeds {text}: more than {MOST_SEEDS:,} at once; write fewer")
    if tuning and found[-1] >= FIRST_TEST_SEED:
        raise UserError(
            f"--seeds {text}: seeds from {FIRST_TEST_SEED} on are for testing: use lower ones"
        )
    if not tuning and found[0] < FIRST_TEST_SEED:
        say(
            f"Seeds under {FIRST_TEST_SEED} may have been used in tuning: these figures are no"
            " test. Use higher ones."
        )
    return found


def _frozen(runs: Sequence[Run]) -> Mapping[str, str]:
    """Checksums of truths by run. Raises `UserError` where they are of another version, or lack
    what is played by default."""
    try:
        content = json.loads(FROZEN.read_text(encoding="utf-8"))
        version, truths = content["version"], dict(content["truths"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{FROZEN} has no frozen truth ({error!r}): {REMEDY}") from error
    if version != truth.VERSION:
        raise UserError(
            f"{FROZEN} is of version {version} of the simulators' truth, and they are at version"
            f" {truth.VERSION}: {REMEDY}"
        )
    strange = [run for run in runs if str(run) not in truths]
    lacking = set(by_default()).intersection(strange)
    if lacking:
        raise UserError(f"{FROZEN} lacks {min(lacking)}: {REMEDY}")
    if strange:
        say(f"{len(strange)} of {len(runs)} runs are of seeds whose truth is not frozen.")
    return truths


def _require_frozen(frozen: Mapping[str, str], run: Run, played: Played) -> None:
    wanted = frozen.get(str(run), played.checksum)
    if wanted != played.checksum:
        raise UserError(
            f"the truth of {run} is {played.checksum[:12]}… and {FROZEN} has {wanted[:12]}…:"
            f" {REMEDY}"
        )


def _play(packs: Path | None, name: str, seed: int) -> Played:
    """In a process of the pool: the rules are made there, since conditions are compiled."""
    return evaluated_journey.play(name, seed, pack.load(packs))


def _each(
    runs: Sequence[Run],
    work: Callable[[str, int], T],
    processes: int,
    check: Callable[[Run, T], None] = lambda _run, _found: None,
) -> dict[Run, T]:
    """``work`` of each run, ``check``ed as it comes; with a bar. Raises `UserError`."""
    found: dict[Run, T] = {}
    worked_out = _in_turn(runs, work) if processes == 1 else _at_once(runs, work, processes)
    with closing(worked_out), progress("evaluate", max(len(runs), 1)) as tell:
        try:
            for run, result in worked_out:
                check(run, result)
                found[run] = result
                tell(len(found), f"{len(found)} of {len(runs)} journeys, {run}")
        except NotHere as error:
            raise UserError(str(error)) from error
    return found


def _in_turn(
    runs: Sequence[Run], work: Callable[[str, int], T]
) -> Generator[tuple[Run, T], None, None]:
    yield from ((run, work(*run)) for run in runs)


def _at_once(
    runs: Sequence[Run], work: Callable[[str, int], T], processes: int
) -> Generator[tuple[Run, T], None, None]:
    """By a pool of processes; who stops early lets them finish only what they are at."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        futures: dict[Future[T], Run] = {pool.submit(work, *run): run for run in runs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)
