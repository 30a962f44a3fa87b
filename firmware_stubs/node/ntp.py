"""The time by SNTP (RFC 4330): one question, one answer that is looked at before it is believed."""

import random
import socket
import struct

_PORT = 123
_SINCE_1900_S = 2_208_988_800
_ERA_S = 1 << 32


def ask(host, timeout_s=2.0, port=_PORT):
    """ms since 1970 UTC by the server `host`; raises OSError where there is no usable answer.

    The way there and back is not taken off: the answer is late by less than `timeout_s`. In place
    of our own time the question has a number by chance, which comes back in its answer and in no
    other: who cannot see the question cannot set the clock.
    """
    token = struct.pack("!II", random.getrandbits(32), random.getrandbits(32))
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0][-1]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.settimeout(timeout_s)
        sock.sendto(b"\x23" + bytes(39) + token, address)  # version 4, a client
        return understood(sock.recvfrom(64)[0], token)
    finally:
        sock.close()


def understood(answer, token):
    """ms since 1970 UTC by a server's answer to the question with `token`; raises OSError."""
    if len(answer) < 48:
        raise OSError("the time server's answer is too short")
    if answer[24:32] != token:
        raise OSError("what came is no answer to what the time server was asked")
    leap, mode, stratum = answer[0] >> 6, answer[0] & 7, answer[1]
    seconds, fraction = struct.unpack_from("!II", answer, 40)
    if mode != 4 or leap == 3 or not 1 <= stratum <= 15 or seconds == 0:
        raise OSError("the time server has no time itself")
    if seconds < _SINCE_1900_S:  # the count of seconds came round in February 2036
        seconds += _ERA_S
    return (seconds - _SINCE_1900_S) * 1000 + (fraction * 1000 >> 32)
