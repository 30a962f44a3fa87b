"""The outbox, on SQLite and PostgreSQL, to a real server: at least once each, with patience."""

import base64
import json
import threading
import time

import pytest
from sqlalchemy import select

from lots import registry
from lots.clock import Clock
from lots.model import Outgoing
from rules.channels.webhook import Undelivered, WebhookChannel
from rules.outbox import (
    FIRST_PAUSE_MS,
    GIVE_UP_MS,
    LONGEST_PAUSE_MS,
    NEVER,
    Outbox,
    next_attempt,
)
from tests.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = 1_763_812_800_000


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def channel():  # for each test: an outbox that ends closes it
    found = WebhookChannel(SECRET)
    yield found
    found.close()


@pytest.fixture
def outbox(database, channel):
    with registry.writing(database) as session:
        registry.create_tenant(session, "acme", "Acme")
    return Outbox(database, {"webhook": channel})


def post(database, name, address, created=0, channel="webhook", **payload):
    """Put a message into the outbox: ``created`` is seconds after 100 s ago."""
    created = Clock().now_ms() - 100_000 + created * 1000
    with registry.writing(database) as session:
        session.add(
            Outgoing(
                id=name,
                tenant="acme",
                channel=channel,
                recipient=address,
                payload=payload or {"text": name},
                created=created,
                next_attempt=created,
                attempts=0,
            )
        )


def message(database, name):
    with registry.reading(database) as session:
        return session.get(Outgoing, name)


def due_now(database):
    """Let all pauses be over."""
    with registry.writing(database) as session:
        for row in session.scalars(select(Outgoing)):
            if row.next_attempt != NEVER:
                row.next_attempt = 0


def test_what_is_in_it_is_delivered_once_and_the_oldest_first(database, outbox, receiver):
    post(database, "m2", receiver.url, created=2)
    post(database, "m1", receiver.url, created=1, text="Grüße aus Köln")
    assert outbox.waiting() == 2
    assert outbox.deliver() == 2
    assert [got.head["webhook-id"] for got in receiver.received] == ["m1", "m2"]
    assert json.loads(receiver.received[0].body) == {"text": "Grüße aus Köln"}
    assert outbox.deliver() == 0
    assert outbox.waiting() == 0
    assert (outbox.sent, outbox.failed) == (2, 0)
    assert message(database, "m1").sent is not None
    assert message(database, "m1").attempts == 1


def test_what_did_not_arrive_is_tried_again_under_the_same_id(database, outbox, receiver):
    receiver.answers += [500, 503]
    post(database, "m1", receiver.url)
    for attempts, pause in ((1, FIRST_PAUSE_MS), (2, 2 * FIRST_PAUSE_MS)):
        before = outbox._clock.now_ms()
        assert outbox.deliver() == 1
        row = message(database, "m1")
        assert row.attempts == attempts
        assert row.next_attempt >= before + pause
        assert "answered 50" in row.error
        assert outbox.deliver() == 0  # not before the pause is over
        due_now(database)
    assert outbox.deliver() == 1
    row = message(database, "m1")
    assert (row.attempts, row.error) == (3, None)
    assert [got.head["webhook-id"] for got in receiver.received] == ["m1"] * 3
    assert (outbox.sent, outbox.failed) == (1, 2)


def test_one_that_does_not_arrive_does_not_hold_up_the_others(database, outbox, receiver):
    receiver.answers += [500]
    for number in range(3):
        post(database, f"m{number}", receiver.url, created=number)
    assert outbox.deliver() == 3
    assert [message(database, f"m{n}").sent is None for n in range(3)] == [True, False, False]


def test_a_receiver_that_wants_no_more_is_left_alone(database, outbox, receiver):
    receiver.answers += [410]
    post(database, "m1", receiver.url)
    outbox.deliver()
    due_now(database)
    assert outbox.deliver() == 0
    assert message(database, "m1").error.endswith("it wants no more")
    assert len(receiver.received) == 1
    assert outbox.waiting() == 0  # nobody waits for it any more


def test_a_channel_that_is_gone_is_told_and_not_tried_for_ever(database, outbox):
    post(database, "m1", "x", channel="pigeon")
    assert outbox.deliver() == 1
    assert "there is no channel 'pigeon' any more" in message(database, "m1").error
    assert outbox.deliver() == 0


def test_a_channel_that_stumbles_holds_up_nobody(database, outbox, receiver):
    """What it raises is not what a channel should: that message alone waits."""

    class Stumbles:
        def send(self, message, address, payload, now):
            raise KeyError(message)

        def close(self):
            pass

    outbox._channels["stumbles"] = Stumbles()
    post(database, "m1", "x", created=1, channel="stumbles")
    post(database, "m2", receiver.url, created=2)
    assert outbox.deliver() == 2
    assert message(database, "m2").sent is not None
    assert "KeyError" in message(database, "m1").error
    assert 0 < message(database, "m1").next_attempt < NEVER


def test_each_is_signed_with_the_time_when_it_is_sent(database, outbox, receiver):
    """A receiver refuses what is older than minutes, and slow ones before it may take longer."""

    class Slow:
        def __init__(self, inner):
            self.inner, self.times = inner, []

        def send(self, message, address, payload, now):
            self.times.append(now)
            time.sleep(0.05)
            self.inner.send(message, address, payload, now)

        def close(self):
            pass

    slow = Slow(outbox._channels["webhook"])
    outbox._channels["webhook"] = slow
    for number in range(3):
        post(database, f"m{number}", receiver.url, created=number)
    outbox.deliver()
    assert slow.times[1] - slow.times[0] >= 50
    assert slow.times[2] - slow.times[1] >= 50


def test_it_runs_until_it_is_stopped_and_closes_its_channels(database, receiver):
    class Closing(WebhookChannel):
        closed = False

        def close(self):
            self.closed = True
            super().close()

    channel = Closing("")
    with registry.writing(database) as session:
        registry.create_tenant(session, "acme", "Acme")
    outbox, stop = Outbox(database, {"webhook": channel}), threading.Event()
    thread = threading.Thread(target=outbox.run, args=(stop, 0.02))
    thread.start()
    post(database, "m1", receiver.url)
    ends = time.monotonic() + 10
    while not receiver.received and time.monotonic() < ends:
        time.sleep(0.01)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(receiver.received) == 1
    assert channel.closed


def test_a_stop_is_heeded_between_two_messages(database, outbox):
    stop = threading.Event()

    class Last:
        def __init__(self):
            self.sent = []

        def send(self, message, address, payload, now):
            self.sent.append(message)
            stop.set()

        def close(self):
            pass

    last = outbox._channels["last"] = Last()
    for number in range(5):
        post(database, f"m{number}", "x", created=number, channel="last")
    outbox.run(stop, 0.01)
    assert last.sent == ["m0"]
    assert outbox.waiting() == 4


@pytest.mark.parametrize(
    ("attempts", "pause"),
    [
        (1, 1_000),
        (2, 2_000),
        (3, 4_000),
        (10, 512_000),
        (11, LONGEST_PAUSE_MS),
        (10**6, LONGEST_PAUSE_MS),
    ],
)
def test_pauses_grow_to_ten_minutes(attempts, pause):
    assert next_attempt(attempts, NOW, NOW, permanent=False) == NOW + pause


def test_after_three_days_it_is_given_up():
    assert next_attempt(500, NOW - GIVE_UP_MS, NOW, permanent=False) < NEVER
    assert next_attempt(500, NOW - GIVE_UP_MS - 1, NOW, permanent=False) == NEVER
    assert next_attempt(1, NOW, NOW, permanent=True) == NEVER


def test_undelivered_says_whether_a_retry_can_help():
    assert Undelivered("x", permanent=True).permanent
    assert str(Undelivered("x", permanent=False)) == "x"


class Meanwhile:
    """A channel in whose time, while it sends the first message, the second gets other words."""

    def __init__(self, database):
        self.database = database
        self.said = []

    def send(self, message, address, payload, now):
        self.said.append(payload["text"])
        with registry.writing(self.database) as session:
            session.get(Outgoing, "second").payload = {"text": "leave it closed"}

    def close(self):
        pass


def test_a_message_says_what_it_says_when_it_is_sent(database, outbox):
    """A receiver that keeps us waiting must not make us send the words from before a hold."""
    post(database, "first", "there", 0, channel="slow", text="first")
    post(database, "second", "there", 1, channel="slow", text="open the doors")
    channel = Meanwhile(database)
    Outbox(database, {"slow": channel}).deliver()
    assert channel.said == ["first", "leave it closed"]
