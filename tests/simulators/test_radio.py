"""Whatever the way is like, what was made is delivered, but for what is declared lost."""

from collections import Counter
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.radio import Channel, Gateway, Radio, send
from simulators.sensors import MODELS, Device, Reporting, make
from simulators.sensors.faults import ClockUnset, Forgetful
from tests.simulators.air import DAY, HOUR, daily

BEGINS = 1_700_000_000_000


def made(model="em300_th", days=10, faults=()):
    device = Device("T-1", MODELS[model], BEGINS, BEGINS + days * DAY, Reporting(), faults)
    return make(device, daily(), 1)


TEN_DAYS = made()


def by(**settings):
    """By one gateway."""
    return Radio((Gateway(**settings),))


def two(**settings):
    return Radio((Gateway("a", **settings), Gateway("b", **settings)))


def delivered(what, sent):
    """position -> how often it arrived."""
    position = {seq: n for n, seq in enumerate(what.readings.seq.tolist())}
    assert len(position) == len(what.at)
    return Counter(position[seq] for a in sent.arrivals for seq in a.readings.seq.tolist())


CHANNELS = st.builds(Channel, *(st.floats(0.0, 1.0),) * 2, st.floats(0.0, 0.5), st.floats(0.0, 1.0))
GATEWAYS = st.builds(
    Gateway,
    key=st.sampled_from(["a", "b", "c"]),
    channel=CHANNELS,
    heard_twice=st.floats(0.0, 1.0),
    batch_s=st.sampled_from([0.0, 0.0, 900.0, 3600.0]),
    unconfirmed=st.floats(0.0, 0.9),
    per_message=st.integers(1, 100),
    jitter_s=st.sampled_from([0.0, 60.0, 7200.0]),
)
RADIOS = st.builds(
    Radio,
    gateways=st.lists(GATEWAYS, min_size=1, max_size=3, unique_by=lambda g: g.key).map(tuple),
    out_of_reach=st.sampled_from([(), ((BEGINS + DAY, BEGINS + 6 * DAY),)]),
)


@settings(max_examples=60)
@given(radio=RADIOS, seed=st.integers(0, 2**32))
def test_what_is_delivered_is_what_was_made_less_what_is_declared(radio, seed):
    sent = send(TEN_DAYS, radio, seed)
    found = delivered(TEN_DAYS, sent)
    missing = {*sent.lost.tolist(), *sent.kept.tolist()}
    assert set(found) | missing == set(range(len(TEN_DAYS.at)))
    assert not set(found) & missing
    assert len(sent.lost) == 0  # it has room for ten days
    assert [a.at for a in sent.arrivals] == sorted(a.at for a in sent.arrivals)
    for arrival in sent.arrivals:
        assert arrival.via in {gateway.key for gateway in radio.gateways}
        assert (arrival.readings.t <= arrival.at).all()  # not before it was measured


@settings(max_examples=30)
@given(room=st.integers(0, 50), seed=st.integers(0, 2**32), away=st.integers(1, 8))
def test_what_does_not_fit_is_lost_the_oldest_first_and_declared(room, seed, away):
    what = made(faults=(Forgetful(BEGINS, room),))
    back = BEGINS + (1 + away) * DAY
    sent = send(what, Radio(out_of_reach=((BEGINS + DAY, back),)), seed)
    unheard = np.flatnonzero((what.at >= BEGINS + DAY) & (what.at < back))
    # The reading that is heard again needs no room: it is sent before the oldest is let go.
    np.testing.assert_array_equal(sent.lost, unheard[: len(unheard) - room])
    assert set(delivered(what, sent)) == set(range(len(what.at))) - set(sent.lost.tolist())


def test_weeks_at_sea_come_newest_first():
    back = BEGINS + 9 * DAY
    sent = send(TEN_DAYS, Radio(out_of_reach=((BEGINS + DAY, back),)), 1)
    first = next(i for i, a in enumerate(sent.arrivals) if a.at >= back)
    backlog = [a.readings.t for a in sent.arrivals[first : first + 40]]
    assert max(len(t) for t in backlog) == 24
    newest = np.array([t[-1] for t in backlog])
    assert np.mean(np.diff(newest) < 0) > 0.6  # each is older than the one before, but for delays
    assert newest[0] == max(newest)
    for t in backlog:
        assert (np.diff(t) > 0).all()


def test_a_gateway_that_batches_passes_on_by_the_hour():
    sent = send(TEN_DAYS, by(batch_s=3600), 1)
    assert len({a.at % HOUR for a in sent.arrivals}) == 1
    assert np.mean([len(a.readings) for a in sent.arrivals]) == pytest.approx(6, abs=0.2)
    for arrival in sent.arrivals:
        assert (arrival.at - arrival.readings.t <= HOUR).all()


@pytest.mark.parametrize(("fails", "recovers"), [(0.02, 0.1), (0.01, 0.5)])
def test_dropouts_come_in_bursts_of_the_length_asked_for(fails, recovers):
    what = made("dht22", days=60)  # which keeps nothing: what is not heard is lost
    sent = send(what, by(channel=Channel(fails, recovers)), 3)
    assert len(sent.lost) / len(what.at) == pytest.approx(fails / (fails + recovers), rel=0.35)
    bursts = np.split(sent.lost, np.flatnonzero(np.diff(sent.lost) > 1) + 1)
    assert np.mean([len(b) for b in bursts]) == pytest.approx(1 / recovers, rel=0.35)


def test_two_gateways_and_retries_bring_things_twice():
    twice = delivered(TEN_DAYS, send(TEN_DAYS, two(heard_twice=0.5), 1))
    # Half of what the other gateway could hear too.
    assert np.mean(list(twice.values())) == pytest.approx(1.5, abs=0.05)
    again = delivered(TEN_DAYS, send(TEN_DAYS, by(unconfirmed=0.2), 1))
    assert np.mean([n > 1 for n in again.values()]) == pytest.approx(0.2, abs=0.05)


def test_jitter_makes_messages_overtake_each_other():
    def out_of_order(radio):
        first = [a.readings.t[0] for a in send(TEN_DAYS, radio, 1).arrivals]
        return np.sum(np.diff(first) < 0)

    assert out_of_order(Radio()) == 0
    assert out_of_order(by(jitter_s=3600)) > 100


def test_a_device_that_tells_says_when_its_message_left_by_its_own_clock():
    what = made(faults=(ClockUnset(BEGINS),))
    for arrival in send(what, by(batch_s=3600), 1).arrivals:
        assert arrival.readings.sent is not None
        assert 0 <= arrival.readings.sent - arrival.readings.t[-1] < 1000
    assert all(a.readings.sent is None for a in send(TEN_DAYS, Radio(), 1).arrivals)


def test_the_same_seed_is_the_same_way():
    radio = two(channel=Channel(0.1, 0.2), heard_twice=0.3, unconfirmed=0.1, jitter_s=600)

    def told(seed):
        sent = send(TEN_DAYS, radio, seed)
        return [(a.at, a.via, a.readings.seq.tolist()) for a in sent.arrivals]

    assert told(4) == told(4)
    assert told(4) != told(5)


def test_each_gateway_has_its_own_way():
    """One passes on at once and loses a third, the other by the hour and is heard when it is."""
    quick = Gateway("quick", Channel(lost_good=0.3))
    hourly = Gateway("hourly", heard_twice=0.0, batch_s=3600)
    sent = send(TEN_DAYS, Radio((quick, hourly)), 1)
    via = Counter(a.via for a in sent.arrivals for _ in a.readings.seq)
    assert via["quick"] / len(TEN_DAYS.at) == pytest.approx(0.7 / 1.7, abs=0.04)
    assert len(sent.lost) == len(sent.kept) == 0  # what the one loses the other has
    assert len({a.at % HOUR for a in sent.arrivals if a.via == "hourly"}) == 1
    assert max(a.at - a.readings.t[-1] for a in sent.arrivals if a.via == "quick") < 3000


def test_a_gateway_that_hears_nothing_passes_nothing_on():
    deaf = Gateway("deaf", Channel(lost_good=1.0), heard_twice=1.0)
    sent = send(TEN_DAYS, Radio((deaf, Gateway("b"))), 1)
    assert {a.via for a in sent.arrivals} == {"b"}
    assert set(delivered(TEN_DAYS, sent)) == set(range(len(TEN_DAYS.at)))


def test_a_long_backlog_costs_no_more_a_reading_than_a_short_one():
    """What a device keeps is not copied at each of its readings."""

    def seconds(days):
        what = made("sht40", days=days)
        silence = Radio(out_of_reach=((BEGINS, BEGINS + days * DAY),))
        begun = process_time()
        assert len(send(what, silence, 1).kept) == min(len(what.at), MODELS["sht40"].memory)
        return (process_time() - begun) / len(what.at)

    short = min(seconds(20) for _ in range(3))
    assert min(seconds(140) for _ in range(3)) < 3 * short
