"""Webhooks against a real server: what arrives, and what is made of each answer."""

import base64
import json
import socket
import threading
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lots.clock import Clock
from lots.settings import SettingsError
from rules.channels.webhook import Undelivered, WebhookChannel
from tests.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PAYLOAD = {
    "type": "alert.opened",
    "timestamp": 1_763_812_800_000,
    "data": {"title": "Wasser auf Blöcken: Größe 3 °C — 水", "numbers": {"margin": -0.5}},
}


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def channel():
    found = WebhookChannel(SECRET)
    yield found
    found.close()


def now():
    return Clock().now_ms()


def refused(channel, address):
    with pytest.raises(Undelivered) as error:
        channel.send("m1", address, PAYLOAD, now())
    return error.value


def test_it_arrives_as_json_under_its_id(channel, receiver):
    channel.send("m1", f"{receiver.url}/hook?site=1", PAYLOAD, now())
    (got,) = receiver.received
    assert got.path == "/hook?site=1"
    assert json.loads(got.body.decode("utf-8")) == PAYLOAD
    assert "Größe 3 °C — 水".encode() in got.body
    assert got.head["content-type"] == "application/json"
    assert got.head["webhook-id"] == "m1"


def test_the_receiver_can_check_who_sent_it_and_when(channel, receiver):
    sent = now()
    channel.send("m1", receiver.url, PAYLOAD, sent)
    (got,) = receiver.received
    assert Webhook(SECRET).verify(got.body, got.head) == PAYLOAD
    assert got.head["webhook-timestamp"] == str(sent // 1000)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_what_was_tampered_with_does_not_verify(channel, receiver, name):
    channel.send("m1", receiver.url, PAYLOAD, now())
    (got,) = receiver.received
    changed = {
        "webhook-id": "m2",
        "webhook-timestamp": str(int(got.head["webhook-timestamp"]) + 1),
        "webhook-signature": "v1," + base64.b64encode(bytes(32)).decode(),
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(got.body, got.head | {name: changed[name]})
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(got.body + b" ", got.head)
    other = base64.b64encode(bytes(32)).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(got.body, got.head)


def test_without_a_secret_nothing_is_signed(receiver):
    channel = WebhookChannel("")
    channel.send("m1", receiver.url, PAYLOAD, now())
    channel.close()
    assert "webhook-signature" not in receiver.received[0].head


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_one(channel, receiver, status):
    receiver.answers.append(status)
    channel.send("m1", receiver.url, PAYLOAD, now())


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_refusal_may_be_over_next_time(channel, receiver, status):
    receiver.answers.append(status)
    error = refused(channel, receiver.url)
    assert not error.permanent
    assert str(error) == f"{receiver.url} answered {status}"


def test_410_is_for_ever(channel, receiver):
    receiver.answers.append(410)
    assert refused(channel, receiver.url).permanent


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed(channel, receiver, status):
    """What is signed for one address is not carried to another."""
    receiver.answers.append(status)
    with Receiver() as elsewhere:
        receiver.location = elsewhere.url
        error = refused(channel, receiver.url)
        assert elsewhere.received == []
    assert not error.permanent
    assert str(status) in str(error)


def test_nobody_there_may_be_over_next_time(channel):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        there = f"127.0.0.1:{taken.getsockname()[1]}"
        error = refused(channel, f"http://me:s3cret@{there}/T0/B0/s4cret?key=s5cret")
    assert not error.permanent
    assert f"http://{there}: " in str(error)
    assert "cret" not in str(error)


def test_a_server_that_hangs_up_may_be_over_next_time(channel):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def hang_up():
            connection, _ = listening.accept()
            connection.recv(10)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = refused(channel, f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread.join()
    assert not error.permanent


@pytest.mark.parametrize(
    "address",
    ["", "hook", "ftp://a.test/", "http://", "http:///x", "http://[::1", "mailto:a"],
)
def test_what_is_no_address_is_never_tried_again(channel, address):
    error = refused(channel, address)
    assert error.permanent
    assert repr(address) in str(error)


def test_an_answer_without_an_end_does_not_hold_up_the_others(channel, receiver):
    receiver.answers.append(200)
    receiver.endless = True
    begun = time.monotonic()
    channel.send("m1", receiver.url, PAYLOAD, now())
    assert time.monotonic() - begun < 5
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "secret",
    [
        "secret",
        "whsec_",
        "whsec_not base64!",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_ä",
    ],
)
def test_what_is_no_secret_is_a_setting_to_mend(secret):
    with pytest.raises(SettingsError, match="DUNNAGE_WEBHOOK_SECRET or webhook_secret") as error:
        WebhookChannel(secret)
    assert "whsec_ and then 24 to 64 bytes in base64" in str(error.value)
