"""What a broker hands over."""

from typing import NamedTuple

MAX_PAYLOAD_BYTES = 256 * 1024
"""A longer message is not used; so much of it, and a byte, is kept."""


class Message(NamedTuple):
    """A message as the broker gave it."""

    received: int  # ms since 1970 UTC, the server's clock
    topic: str
    payload: bytes


class Numbered(NamedTuple):
    """A message and its position in the entry of the journal that it belongs to."""

    position: int
    message: Message
