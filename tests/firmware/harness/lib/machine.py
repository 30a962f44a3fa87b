"""The hardware that boards/esp32.py needs of MicroPython: an ESP32 with an SHT4x and a battery."""

from node.sht4x import crc8

PWRON_RESET, DEEPSLEEP_RESET = 1, 4

cause = PWRON_RESET
"""Of the start that is under way."""

slept = []
clock = None
"""What it was set to last."""

grounded = ()
"""Numbers of pins."""

fed = 0
_memory = b""


class Asleep(BaseException):
    """What runs ends here: a board begins anew at main.py."""


def deepsleep(ms):
    slept.append(ms)
    raise Asleep


def reset_cause():
    return cause


class RTC:
    def memory(self, data=None):
        global _memory
        if data is None:
            return _memory
        _memory = bytes(data)
        return None

    def datetime(self, fields):
        global clock
        clock = fields


class Pin:
    IN, PULL_UP = 1, 2

    def __init__(self, number, mode=-1, pull=-1):
        self.number = number
        self._pulled_up = (mode, pull) == (Pin.IN, Pin.PULL_UP)

    def value(self):
        assert self._pulled_up, "it floats"
        return 0 if self.number in grounded else 1


class I2C:
    def __init__(self, _, scl, sda, freq):
        assert (scl.number, sda.number, freq) == (22, 21, 100_000)

    def writeto(self, address, data):
        assert (address, data) == (0x44, b"\xfd")

    def readfrom_into(self, address, buffer):
        for at, word in ((0, 0x6666), (3, 0x7333)):
            pair = word.to_bytes(2, "big")
            buffer[at : at + 3] = pair + bytes([crc8(pair)])


class ADC:
    ATTN_11DB = 3

    def __init__(self, pin, atten):
        assert (pin.number, atten) == (34, 3)

    def read_uv(self):
        return 1_642_000


class WDT:
    def __init__(self, timeout):
        assert timeout == 60_000

    def feed(self):
        global fed
        fed += 1
