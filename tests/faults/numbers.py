"""What the reading of a number measured: hundredths and tenths that no other close by has."""

from __future__ import annotations


def temperature(number: int) -> float:
    """degC, from 5 to 34.99"""
    return 5 + number % 2999 / 100


def humidity(number: int) -> float:
    """%RH, from 30 to 69.6"""
    return 30 + number % 397 / 10


def place(number: int, tags: int) -> tuple[int, int]:
    """Tag and sequence of the reading of a number: the tags measure in turns."""
    return number % tags, number // tags
