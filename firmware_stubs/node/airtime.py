"""How long a LoRa packet is on the air, and how often one may send under a duty cycle."""

OVERHEAD = 13
"""Bytes that LoRaWAN adds to a payload: MHDR 1, FHDR 7, FPort 1, MIC 4."""

LARGEST = {7: 222, 8: 222, 9: 115, 10: 51, 11: 51, 12: 51}
"""Spreading factor -> bytes of payload in EU868 at 125 kHz (LoRaWAN Regional Parameters, RP002)."""

_PREAMBLE = 8


def airtime_us(payload, spreading):
    """µs on the air of `payload` bytes over LoRaWAN at 125 kHz, coding rate 4/5, header and CRC.

    The formula of Semtech's SX1276 datasheet, section 4.1.1.7.
    """
    symbol = (1_000 << spreading) // 125
    slow = 1 if symbol > 16_000 else 0  # low data rate optimisation
    bits = 8 * (payload + OVERHEAD) - 4 * spreading + 28 + 16
    per_block = 4 * (spreading - 2 * slow)
    blocks = max(0, -(-bits // per_block))
    symbols = 8 + blocks * 5
    return (4 * _PREAMBLE + 17) * symbol // 4 + symbols * symbol


class DutyCycle:
    """At most `share` per mille of the time on the air: 10, which is 1 %, from 868.0 to 868.6 MHz
    (ETSI EN 300 220-2, annex B). By the rule that is strictest: silence after each packet."""

    def __init__(self, share=10):
        self._share = share
        self.free_at_ms = 0
        """When the next packet may go."""

    def used(self, now_ms, on_air_us):
        self.free_at_ms = now_ms + on_air_us // self._share
