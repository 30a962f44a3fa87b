"""Climates that are not carried: read where they are, and missed with the remedy."""

import os

import numpy as np
import pytest

from simulators.climate import NotHere, load_measured
from simulators.climate.measured import FOLDER_VARIABLE, folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_a_table_is_read_and_straight_between_its_rows(here):
    rows = "time,temperature_c,humidity_pct\n2024-01-01T00:00:00Z,2,80\n2024-01-01T02:00:00Z,4,90\n"
    (here / "barn.csv").write_text(rows)
    barn = load_measured("barn")
    found = barn.at(barn.time[0] + np.array([-1, 0, 3_600_000, 9e12]))
    assert [column.tolist() for column in found] == [
        [2, 2, 3, 4], [80, 80, 85, 90], [1013.25] * 4,
    ]  # fmt: skip


def test_one_that_is_not_here_is_missed_with_the_remedy(here):
    with pytest.raises(NotHere, match=r"'barn' is not carried and .*barn\.csv does not exist: set"):
        load_measured("barn")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,temperature_c\n2024-01-01T00:00:00Z,2\n", "humidity_pct"),
        ("time,temperature_c,humidity_pct\n2024-01-01T00:00:00Z,warm,80\n", "warm"),
        ("time,temperature_c,humidity_pct\n", "no rows"),
        (
            "time,temperature_c,humidity_pct\n2024-01-02T00:00:00Z,2,80\n2024-01-01T00:00:00Z,2,80\n",
            "do not rise",
        ),
    ],
)
def test_a_bad_one_says_what_is_wrong(here, text, told):
    (here / "barn.csv").write_text(text)
    with pytest.raises(ValueError, match=told):
        load_measured("barn")


@pytest.mark.parametrize("key", ["tampere_outdoor", "tampere_attic", "chicago_il", "miami_fl"])
def test_those_of_the_project_are_read(key):
    if not (folder() / f"{key}.csv").exists():
        assert not os.environ.get("CI"), f"{folder()} is missing: CI needs the data"
        pytest.skip(f"{folder()} is not in this clone")
    measured = load_measured(key)
    assert len(measured.time) > 8000
    assert -40 < measured.temperature.min() < measured.temperature.max() < 45
    assert 0 < measured.humidity.min() < measured.humidity.max() <= 101
