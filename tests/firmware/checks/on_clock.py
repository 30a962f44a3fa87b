"""Time, whichever year the port counts from, and whether or not anybody set it."""

from node import ntp
from node.clock import EPOCH_2000_MS, RESTART_MS, Clock, restarted

NOW = 1_763_766_000_000


class Port:
    def __init__(self, raw_ms):
        self.raw = raw_ms

    def raw_ms(self):
        return self.raw

    def set_raw_ms(self, ms):
        self.raw = ms


def clock(port, year):
    return Clock(port.raw_ms, year, port.set_raw_ms)


def check_a_port_that_counts_from_2000():
    port = Port(NOW - EPOCH_2000_MS)
    assert clock(port, 2000).unix_ms() == NOW
    assert clock(port, 2000).stamp() == (NOW, True)


def check_a_port_that_counts_from_1970():
    assert clock(Port(NOW), 1970).stamp() == (NOW, True)


def check_a_port_that_counts_from_elsewhere_is_refused():
    try:
        clock(Port(0), 1980)
        raise AssertionError("it was taken")
    except ValueError:
        pass


def check_a_clock_that_was_never_set():
    for year in (1970, 2000):
        assert clock(Port(120_000), year).unix_ms() is None
        assert clock(Port(120_000), year).stamp() == (120_000, False)


def check_setting_the_clock_does_not_move_the_count():
    for year, epoch in ((1970, 0), (2000, EPOCH_2000_MS)):
        port = Port(5_000)
        found = clock(port, year)
        found.begin(900)
        port.raw += 100
        found.set(NOW)
        assert port.raw == NOW - epoch
        assert found.uptime_ms() == 1_000
        assert found.synced_ms == 1_000
        port.raw += 250
        assert found.stamp() == (NOW + 250, True)
        assert found.uptime_ms() == 1_250
        found.set(NOW)  # it was fast
        assert found.uptime_ms() == 1_250


def check_the_state_goes_over_a_sleep():
    port = Port(5_000)
    first = clock(port, 1970)
    first.set(NOW)
    second = clock(port, 1970)
    second.state = first.state
    port.raw += 10
    assert second.uptime_ms() == 5_010
    assert second.synced_ms == 5_000


def check_how_long_ago():
    port = Port(NOW)
    found = clock(port, 1970)
    found.begin(50_000)
    assert found.age_ms(NOW - 7, True) == 7
    assert found.age_ms(20_000, False) == 30_000
    assert found.age_ms(NOW + 7, True) == 0


def check_the_count_restarts():
    assert restarted(1_000, 5_000) == (1_000, 5_000)
    assert restarted(RESTART_MS - 1, RESTART_MS + 1) == (-1, 1)


TOKEN = b"by chance"[:8]


def answer(seconds, fraction=0, mode=4, stratum=2, leap=0, token=TOKEN):
    head = bytes([leap << 6 | 4 << 3 | mode, stratum]) + bytes(22) + token + bytes(8)
    return head + seconds.to_bytes(4, "big") + fraction.to_bytes(4, "big")


def check_what_a_time_server_tells():
    assert ntp.understood(answer(3_972_754_800, 1 << 31), TOKEN) == NOW + 500
    after_2036 = ((1 << 32) + 100 - 2_208_988_800) * 1000
    assert ntp.understood(answer(100), TOKEN) == after_2036


def check_a_time_server_that_knows_nothing_is_not_believed():
    for wrong in (
        b"",
        answer(3_972_754_800)[:-1],
        answer(0),
        answer(3_972_754_800, mode=3),
        answer(3_972_754_800, stratum=0),
        answer(3_972_754_800, stratum=16),
        answer(3_972_754_800, leap=3),
        answer(3_972_754_800, token=bytes(8)),
    ):
        try:
            ntp.understood(wrong, TOKEN)
            raise AssertionError("it was believed")
        except OSError:
            pass
