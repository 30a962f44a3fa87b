"""What leaves a device or a gateway: a message on a topic."""

from __future__ import annotations

from typing import NamedTuple


class Message(NamedTuple):
    """What a tag publishes at the simulated instant ``at``: ``readings`` of them in ``payload``."""

    topic: str
    payload: bytes
    readings: int
    at: int  # ms since 1970 UTC
