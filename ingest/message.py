"""What a broker hands over."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple, cast

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


# As `map` would, but without a call of Python for each: that is most of what a tuple costs.
_message: Any = partial(tuple.__new__, Message)
_numbered: Any = partial(tuple.__new__, Numbered)


def messages(received: int, topics: Sequence[str], payloads: Sequence[bytes]) -> list[Message]:
    """That came together at ``received``; ``topics`` and ``payloads`` of one length."""
    columns = zip(repeat(received, len(topics)), topics, payloads, strict=True)
    return cast(list[Message], list(map(_message, columns)))


def numbered(found: Iterable[Message]) -> list[Numbered]:
    """``found`` with their positions."""
    return cast(list[Numbered], list(map(_numbered, enumerate(found))))
