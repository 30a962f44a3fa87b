"""Readings by LoRaWAN: as many in a packet as fit, as often as the duty cycle lets.

Dunnage's own acknowledgement does not come this way: what the network server confirms is let go of.
docs/decisions/firmware.md says what that is worth.
"""

from node import elsys, record
from node.airtime import LARGEST, DutyCycle, airtime_us

_MOST = 48
"""Readings in a packet: one of temperature alone takes 4 bytes and more, of 222."""


class Lorawan:
    """`modem.send(port, payload)` sends a confirmed uplink, and raises OSError where the network
    does not confirm it; `spreading` is the factor that is fixed in the modem, 7 to 12."""

    def __init__(self, modem, spreading):
        self._modem = modem
        self._spreading = spreading
        self._duty = DutyCycle()

    @property
    def free_at_ms(self):
        return self._duty.free_at_ms

    def carry(self, ring, clock, _settings, _until_ms):
        """See `Node`: one packet, the oldest readings first."""
        readings, positions = [], []
        records = ring.records()
        for position, data in records:
            reading = record.unpack(data)
            readings.append((reading, clock.age_ms(reading.t, reading.clock_set) // 1000))
            positions.append(position)
            if len(readings) == _MOST:
                break
        records.close()
        yield
        payload, count = elsys.fitted(readings, LARGEST[self._spreading])
        if payload:
            try:
                self._modem.send(elsys.PORT, payload)
            finally:  # confirmed or not, it was on the air
                on_air_us = airtime_us(len(payload), self._spreading)
                self._duty.used(clock.uptime_ms(), on_air_us)
        ring.release(positions[:count])
