"""Dunnage's own JSON (docs/wire.md), written from whole numbers.

A float of MicroPython on an ESP32 has 24 bits: 21.43 could leave it as 21.42999. So none is used.
"""

from node.clock import restarted

_DECIMALS = (("temperature", 2), ("humidity", 2), ("probe", 2), ("battery", 3))


def fixed(value, decimals):
    """`value` / 10^`decimals`, with one decimal at least and no 0 at the end of more: 21.4."""
    scale = 10**decimals
    sign, value = ("-", -value) if value < 0 else ("", value)
    digits = ("%0*d" % (decimals, value % scale)).rstrip("0")
    return "%s%d.%s" % (sign, value // scale, digits or "0")


def reading_json(reading, now, asking=""):
    """The text of a reading; `now` is what `Clock.uptime_ms` says as it leaves.

    `asking` is what `question` made. All else is the same each time that a reading is sent, but
    for the `t` and `sent` of a clock that was never set: there (boot, seq) decides.
    """
    parts = ['{"boot":%d,"seq":%d' % (reading.boot, reading.seq)]
    if reading.clock_set:
        parts.append(',"t":%d' % reading.t)
    else:
        parts.append(',"t":%d,"sent":%d' % restarted(reading.t, now))
    for name, decimals in _DECIMALS:
        value = getattr(reading, name)
        if value is not None:
            parts.append(',"%s":%s' % (name, fixed(value, decimals)))
    if reading.days_left is not None:
        parts.append(',"battery_days":%d' % reading.days_left)
    if reading.lost:
        parts.append(',"lost":%d' % reading.lost)
    parts.append(asking)
    parts.append("}")
    return "".join(parts)


def question(first, refused=None):
    """Asks for an acknowledgement: `first` is the oldest `seq` of the boot that is still held.

    `refused` tells which settings were not taken, and why. Text is passed over by the server; who
    set them can read it at the broker.
    """
    told = "" if not refused else ',"refused":"%s"' % plain(refused)
    return ',"ack":true,"first":%d%s' % (first, told)


def message(texts):
    """What is published: one reading as it is, more as an array. Leaves `texts` empty."""
    if len(texts) > 1:
        texts[0] = "[" + texts[0]
        texts[-1] += "]"
    made = ",".join(texts)
    texts.clear()
    return made


def sighting_json(epc, antenna, rssi_tenths, t, clock_set, now):
    """An item that an RFID reader saw; `rssi_tenths` of dBm, None where there is none."""
    when = '"t":%d' % t if clock_set else '"t":%d,"sent":%d' % restarted(t, now)
    rssi = "" if rssi_tenths is None else ',"rssi":%s' % fixed(rssi_tenths, 1)
    return '{"epc":"%s","antenna":%d,%s%s}' % (epc, antenna, when, rssi)


def plain(text):
    """`text` as JSON and a terminal can have it."""
    kept = (c if 32 <= ord(c) < 127 and c not in '"\\' else "?" for c in text)
    return "".join(kept)
