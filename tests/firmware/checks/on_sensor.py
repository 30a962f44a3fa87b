"""An SHT4x by its datasheet, and what is made of what it says."""

from node import plausible
from node.sht4x import SHT4x, crc8, humidity, temperature


class Bus:
    """An I²C bus with an SHT4x on it that answers with `words`; None is one that does not answer,
    and bytes are sent as they are."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.written = []
        self.slept = 0

    def writeto(self, address, data):
        assert address == 0x44
        self.written.append(data)
        if data == b"\xfd" and self.answers[0] is None:
            self.answers.pop(0)
            raise OSError("no device")

    def readfrom_into(self, address, buffer):
        assert self.slept >= 9, "it was not waited for"
        answer = self.answers.pop(0)
        if not isinstance(answer, bytes):
            parts = [word.to_bytes(2, "big") for word in answer]
            answer = b"".join(part + bytes([crc8(part)]) for part in parts)
        buffer[:] = answer

    def sleep_ms(self, ms):
        self.slept += ms


def measured(*answers):
    bus = Bus(*answers)
    return SHT4x(bus, bus.sleep_ms).measure(), bus


def check_the_crc_of_the_datasheet():
    assert crc8(b"\xbe\xef") == 0x92


def check_the_conversion_of_the_datasheet():
    assert (temperature(0), temperature(0xFFFF)) == (-4_500, 13_000)
    assert (humidity(0), humidity(0xFFFF)) == (0, 10_000), "cut to what can be"
    assert temperature(0x6666) == 2_500  # 0.4 of the way
    assert humidity(0x7333) == 5_025  # 0.45 of the way: 50.25
    for word in range(0, 65_536, 97):
        exact_t, exact_rh = -45 + 175 * word / 65_535, -6 + 125 * word / 65_535
        assert abs(temperature(word) - 100 * exact_t) < 0.51
        assert abs(humidity(word) - 100 * min(100, max(0, exact_rh))) < 0.51


def check_one_question_one_answer():
    found, bus = measured((0x6666, 0x7333))
    assert found == {"temperature": 2_500, "humidity": 5_025}
    assert bus.written == [b"\xfd"]


def check_after_an_error_it_is_reset_and_asked_again():
    garbled = b"\x66\x66\x00\x73\x33\x00"
    for wrong in (None, garbled, (0, 0x7333), (0x6666, 0xFFFF)):
        found, bus = measured(wrong, wrong, (0x6666, 0x7333))
        assert found["temperature"] == 2_500
        assert bus.written == [b"\xfd", b"\x94", b"\xfd", b"\x94", b"\xfd"]


def check_it_gives_up_after_three():
    try:
        measured(None, None, None)
        raise AssertionError("it measured")
    except OSError:
        pass


def check_what_cannot_be_is_left_out():
    found = plausible.possible({"temperature": 12_501, "humidity": 5_000, "probe": 8_500})
    assert found == {"humidity": 5_000}
    assert plausible.possible({"temperature": -4_000}) == {"temperature": -4_000}


def settled(before, *samples):
    samples = list(samples)
    found = plausible.settled(lambda: samples.pop(0), before)
    return found, len(samples)


def check_a_jump_is_measured_again_and_a_spike_is_outvoted():
    near, spike = {"temperature": 2_150, "humidity": 6_000}, {"temperature": 9_000}
    before = {"temperature": 2_140}
    assert settled(before, near, spike) == (near, 1), "what is near is taken as it is"
    assert settled(before, spike, near, near)[0] == {"temperature": 2_150, "humidity": 6_000}


def check_a_door_that_opens_is_believed():
    cold = {"temperature": -500}
    assert settled({"temperature": 2_140}, cold, cold, cold) == (cold, 0)
    assert settled({}, cold, {}, {}) == (cold, 2), "nothing is known of before"


def check_a_sensor_that_fails_on_the_way():
    assert settled({"temperature": 2_140}, {"temperature": 9_000}, {}, {})[0] == {
        "temperature": 9_000
    }
    assert settled({"temperature": 2_140}, {}) == ({}, 0)
