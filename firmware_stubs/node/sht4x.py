"""Sensirion SHT40, SHT41, SHT45 over I²C, by the datasheet (version 6.5, sections 4.5 to 4.7).

The heater is never used: it would warm what is measured.
"""

_ADDRESS = 0x44
_MEASURE = b"\xfd"  # both, high precision
_MEASURE_MS = 10  # 8.3 ms at most
_RESET = b"\x94"
_RESET_MS = 2  # 1 ms at most
_TRIES = 3


class SHT4x:
    """`i2c` has `writeto(address, bytes)` and `readfrom_into(address, buffer)`, which raise
    OSError; `sleep_ms` waits."""

    def __init__(self, i2c, sleep_ms, address=_ADDRESS):
        self._i2c = i2c
        self._sleep_ms = sleep_ms
        self._address = address
        self._answer = bytearray(6)

    def measure(self):
        """Temperature (hundredths of °C) and humidity (hundredths of %RH, over water).

        Raises OSError after three tries, with a soft reset before each further one.
        """
        for _ in range(_TRIES - 1):
            try:
                return self._measure()
            except OSError:
                self._reset()
        return self._measure()

    def _measure(self):
        self._i2c.writeto(self._address, _MEASURE)
        self._sleep_ms(_MEASURE_MS)
        self._i2c.readfrom_into(self._address, self._answer)
        return {
            "temperature": temperature(_word(self._answer, 0)),
            "humidity": humidity(_word(self._answer, 3)),
        }

    def _reset(self):
        try:
            self._i2c.writeto(self._address, _RESET)
        except OSError:
            pass  # one that does not hear a reset does not hear the next question either
        self._sleep_ms(_RESET_MS)


def _word(answer, at):
    if crc8(answer[at : at + 2]) != answer[at + 2]:
        raise OSError("the sensor's answer was garbled: its CRC is wrong")
    word = answer[at] << 8 | answer[at + 1]
    if word in (0, 0xFFFF):
        raise OSError("the sensor answers with 0x%04x: the bus is stuck" % word)
    return word


def crc8(data):
    """Polynomial 0x31, from 0xFF on, nothing reflected."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1) ^ 0x31 if crc & 0x80 else crc << 1
    return crc & 0xFF


def temperature(word):
    """-45 + 175 word / 65535 °C, in hundredths, rounded."""
    return (17_500 * word * 2 + 65_535) // (2 * 65_535) - 4_500


def humidity(word):
    """-6 + 125 word / 65535 %RH, in hundredths, rounded; cut to 0 to 100, as the datasheet says."""
    return min(10_000, max(0, (12_500 * word * 2 + 65_535) // (2 * 65_535) - 600))
