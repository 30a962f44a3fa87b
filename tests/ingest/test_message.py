"""Messages as columns are the messages that they were made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.message import NO_MESSAGES, Message, columns, gathered, joined, whole

made = st.builds(
    Message,
    st.integers(0, 2**53),
    st.sampled_from(["a", "b/c", "ü/lot", ""]),
    st.binary(max_size=5),
)
lists = st.lists(made, max_size=8)


@given(lists)
def test_gives_back_each_message(found: list[Message]) -> None:
    messages = gathered(found)
    assert len(messages) == len(found)
    assert list(messages) == found
    assert [messages[n] for n in range(-len(found), len(found))] == found + found
    assert len(set(messages.topics)) == len(messages.topics)


@given(lists, st.data())
def test_a_part_and_what_is_at_positions(found: list[Message], data: st.DataObject) -> None:
    messages = gathered(found)
    begin = data.draw(st.integers(0, len(found)))
    end = data.draw(st.integers(begin, len(found)))
    part = messages.part(begin, end)
    assert list(part) == found[begin:end]
    assert set(part.topics) == {message.topic for message in part}
    assert messages.size == sum(len(m.topic.encode()) + len(m.payload) for m in found)
    index = data.draw(st.lists(st.sampled_from(range(len(found))) if found else st.nothing()))
    taken = messages.at(np.asarray(index, np.int64))
    assert list(taken) == [found[n] for n in index]
    assert set(taken.topics) == {message.topic for message in taken}
    mask = data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found)))
    portion = whole(messages).at(np.asarray(mask, np.bool_))
    assert [tuple(each) for each in portion] == [
        (n, message) for n, message in enumerate(found) if mask[n]
    ]


@given(st.lists(lists, max_size=4))
def test_joins_parts_in_their_order(parts: list[list[Message]]) -> None:
    found = joined([gathered(part) for part in parts])
    assert list(found) == [message for part in parts for message in part]
    assert len(set(found.topics)) == len(found.topics)


def test_alike_topics_are_one() -> None:
    one, none = np.arange(2), np.zeros(2, np.int64)
    assert columns(["a", "a"], one, none, b"", none).topics == ("a",)


def test_they_are_equal_whatever_their_topics_are_numbered() -> None:
    found = [Message(1, "a", b"x"), Message(2, "b", b"y"), Message(3, "a", b"")]
    assert gathered(found) == joined([gathered(found[:1]), gathered(found[1:])])
    assert gathered(found) == gathered(found[::-1]).at(np.array([2, 1, 0]))
    assert gathered(found) != gathered(found[:2])
    assert gathered(found) != found


def test_there_is_no_message_beyond_the_end() -> None:
    with pytest.raises(IndexError):
        NO_MESSAGES[0]
    assert list(NO_MESSAGES) == []
