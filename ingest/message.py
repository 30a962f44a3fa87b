"""What a broker hands over: messages, and many of them as columns.

Most messages are never looked at one by one: from the broker's stream to the columns of readings
they are bytes behind each other, and where each of them ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lots.readings.batch import Bools, Ints

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


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """``n`` messages in their order, as columns.

    ``topics``    the distinct topics; ``topic`` (n,) indexes them
    ``received``  (n,) ms since 1970 UTC, the server's clock
    ``data``      the payloads behind each other; each up to its place in ``ends`` (n,)
    """

    topics: tuple[str, ...]
    topic: Ints
    received: Ints
    data: bytes
    ends: Ints

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Message:
        place = range(len(self))[index]
        begin = int(self.ends[place - 1]) if place else 0
        payload = self.data[begin : int(self.ends[place])]
        return Message(int(self.received[place]), self.topics[self.topic[place]], payload)

    def __iter__(self) -> Iterator[Message]:
        begin = 0
        columns = zip(self.received.tolist(), self.topic.tolist(), self.ends.tolist(), strict=True)
        for received, topic, end in columns:
            yield Message(received, self.topics[topic], self.data[begin:end])
            begin = end

    def __eq__(self, other: object) -> bool:
        """Whether they are the same messages, however their topics are numbered."""
        return isinstance(other, Messages) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def begins(self) -> Ints:
        """(n,) where each payload begins in ``data``."""
        return np.concatenate((self.ends[:1] * 0, self.ends[:-1]))

    @property
    def size(self) -> int:
        """What they come to in bytes: the payloads, and the topic of each."""
        lengths = np.asarray([len(topic.encode()) for topic in self.topics], np.int64)
        return len(self.data) + int(lengths[self.topic].sum())

    def part(self, begin: int, end: int) -> Messages:
        """Those from position ``begin`` to before ``end``."""
        first = int(self.ends[begin - 1]) if begin else 0
        last = int(self.ends[end - 1]) if end else 0
        part = slice(begin, end)
        topics, topic = self._used(part)
        return Messages(
            topics, topic, self.received[part], self.data[first:last], self.ends[part] - first
        )

    def at(self, index: NDArray[np.intp] | Bools) -> Messages:
        """Those at ``index`` (positions or a mask), in that order."""
        begins, ends = self.begins[index], self.ends[index]
        topics, topic = self._used(index)
        spans = zip(begins.tolist(), ends.tolist(), strict=True)
        return Messages(
            topics,
            topic,
            self.received[index],
            b"".join([self.data[begin:end] for begin, end in spans]),
            np.cumsum(ends - begins),
        )

    def _used(self, index: NDArray[np.intp] | Bools | slice) -> tuple[tuple[str, ...], Ints]:
        """The topics of those at ``index``, and each one's number among them."""
        found, topic = np.unique(self.topic[index], return_inverse=True)
        return tuple(self.topics[n] for n in found.tolist()), topic.astype(np.int64)


def columns(
    topics: Sequence[str], topic: Ints, received: Ints, data: bytes, ends: Ints
) -> Messages:
    """As `Messages`, of ``topics`` that need not be distinct."""
    if len(set(topics)) == len(topics):
        return Messages(tuple(topics), topic, received, data, ends)
    known: dict[str, int] = {}
    places = [known.setdefault(each, len(known)) for each in topics]
    return Messages(tuple(known), np.asarray(places, np.int64)[topic], received, data, ends)


def gathered(messages: Messages | Iterable[Message]) -> Messages:
    """``messages`` as columns."""
    if isinstance(messages, Messages):
        return messages
    found = list(messages)
    return columns(
        [message.topic for message in found],
        np.arange(len(found)),
        np.asarray([message.received for message in found], np.int64),
        b"".join(message.payload for message in found),
        np.cumsum([len(message.payload) for message in found], dtype=np.int64),
    )


def joined(parts: Sequence[Messages]) -> Messages:
    """All messages of ``parts``, in their order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NO_MESSAGES
    topics = np.cumsum([0, *(len(part.topics) for part in parts)]).tolist()
    bytes_ = np.cumsum([0, *(len(part.data) for part in parts)]).tolist()
    return columns(
        [topic for part in parts for topic in part.topics],
        np.concatenate([part.topic + n for part, n in zip(parts, topics, strict=False)]),
        np.concatenate([part.received for part in parts]),
        b"".join(part.data for part in parts),
        np.concatenate([part.ends + n for part, n in zip(parts, bytes_, strict=False)]),
    )


NO_MESSAGES: Final = gathered(())


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Messages of one entry of the journal that are for one decoder.

    ``positions`` (n,): where in the entry each of ``messages`` stands.
    """

    messages: Messages
    positions: Ints

    def __iter__(self) -> Iterator[Numbered]:
        return map(Numbered, self.positions.tolist(), self.messages)

    def at(self, index: NDArray[np.intp] | Bools) -> Portion:
        """Those at ``index``, as `Messages.at` has it."""
        return Portion(self.messages.at(index), self.positions[index])


def whole(messages: Messages) -> Portion:
    """All messages of an entry."""
    return Portion(messages, np.arange(len(messages)))
