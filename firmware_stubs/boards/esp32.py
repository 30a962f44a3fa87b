"""An ESP32, ESP32-S3 or ESP32-C3 with MicroPython 1.24 or later."""

import os
import random
import socket
import ssl
import time

import machine
import network
from node import ntp

_WIFI_S = 15
_BATTERY_SAMPLES = 8


class Board:
    """What a `Node` and a `Broker` need of the hardware.

    `wifi`         (name, password)
    `time_server`  a host, or None
    `battery`      (pin of the ADC, how many thousandths of the battery's voltage it sees) or None
    """

    folder = "/data"
    epoch_year = time.gmtime(0)[0]

    def __init__(self, wifi, time_server=None, battery=None):
        self._wifi = wifi
        self._time_server = time_server
        self._battery = battery
        self._wlan = network.WLAN(network.STA_IF)
        try:
            os.mkdir(self.folder)
        except OSError:
            pass  # it is there

    # Time

    def raw_ms(self):
        return time.time_ns() // 1_000_000

    def set_raw_ms(self, ms):
        """Raises OverflowError where the port cannot count so far."""
        year, month, day, hour, minute, second, weekday, _ = time.gmtime(ms // 1000)
        micros = ms % 1000 * 1000
        machine.RTC().datetime((year, month, day, weekday, hour, minute, second, micros))

    def time_ms(self):
        if self._time_server is None:
            raise OSError("no time server is named in config.json")
        return ntp.ask(self._time_server)

    # Memory that outlives deep sleep

    def recall(self):
        """What was remembered, where this is the end of a deep sleep. It is told once: should the
        node crash before it sleeps again, the next start is a new one."""
        memory = machine.RTC().memory()
        machine.RTC().memory(b"")
        return memory if machine.reset_cause() == machine.DEEPSLEEP_RESET and memory else None

    def remember(self, data):
        machine.RTC().memory(data)

    # The rest

    def random16(self):
        return random.getrandbits(16)  # seeded by the hardware

    def battery_mv(self):
        if self._battery is None:
            return None
        pin, per_mille = self._battery
        adc = machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)
        total = sum(adc.read_uv() for _ in range(_BATTERY_SAMPLES))
        return total // _BATTERY_SAMPLES // per_mille

    def i2c(self, scl, sda):
        return machine.I2C(0, scl=machine.Pin(scl), sda=machine.Pin(sda), freq=100_000)

    def watchdog(self, seconds):
        return machine.WDT(timeout=seconds * 1000)

    def network(self, on):
        if not on:
            self._wlan.active(False)
            return
        self._wlan.active(True)
        self._wlan.connect(*self._wifi)
        ends = time.ticks_add(time.ticks_ms(), _WIFI_S * 1000)
        while not self._wlan.isconnected():
            if time.ticks_diff(ends, time.ticks_ms()) < 0:
                raise OSError("no Wi-Fi after %d s" % _WIFI_S)
            time.sleep_ms(50)


def sleep(ms):
    """Does not come back: after deep sleep, main.py begins anew."""
    machine.deepsleep(max(1, ms))


def is_grounded(pin):
    return machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP).value() == 0


def connected(host, port, tls, timeout_s=10):
    """A socket to `host`, for `Mqtt`; with `tls` the broker's certificate is checked by /ca.der.

    The timeout is set before it is wrapped: a socket of TLS has no `settimeout`.
    """
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]
    sock = socket.socket()
    try:
        sock.settimeout(timeout_s)
        sock.connect(address)
        if not tls:
            return sock
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cafile="/ca.der")
        return context.wrap_socket(sock, server_hostname=host)
    except (OSError, ValueError) as error:  # a certificate that does not do is a ValueError
        sock.close()
        raise OSError("%s port %d: %s" % (host, port, error)) from None
