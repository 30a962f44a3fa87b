"""What the board runs after each start and each sleep: wires the node to the hardware."""

import gc
import json
import sys
import time

from boards.esp32 import Board, connected, is_grounded, sleep
from node.broker import Broker
from node.mqtt import Mqtt
from node.node import Node
from node.sht4x import SHT4x

_WATCHDOG_S = 60

_AFTER_ERROR_MS = 600_000
"""Of sleep, after what nobody foresaw; a design choice."""

_MOST_BOOT = 4_000_000_000
"""Seconds since 1970 pass it in 2096."""

_NEEDED = ("tenant", "tag", "broker", "wifi_name", "wifi_password")


def load(path="/config.json"):
    """Raises OSError or ValueError with what is to be mended in the file."""
    with open(path) as file:
        config = json.load(file)
    missing = [name for name in _NEEDED if not config.get(name)]
    if missing:
        raise ValueError("config.json has no %s" % ", ".join(missing))
    if config.get("tls") and config.get("time_server", "") is None:
        raise ValueError(
            "config.json has tls and no time_server: whether a certificate is valid is told by the "
            "time, so name a server, or leave time_server out for pool.ntp.org"
        )
    boot = config.get("boot", 0)
    if type(boot) is not int or not 0 <= boot <= _MOST_BOOT:
        raise ValueError(
            "config.json has no usable boot: give the time in seconds since 1970, a whole number "
            "of %d at most" % _MOST_BOOT
        )
    return config


def sensors(config, board):
    """() -> quantity -> hundredths, of what could be measured."""
    sht4x = SHT4x(board.i2c(config.get("scl", 22), config.get("sda", 21)), time.sleep_ms)

    def measure():
        try:
            return sht4x.measure()
        except OSError as error:
            print("the sensor: %s" % error)
            return {}

    return measure


def built(config):
    battery = config.get("battery_pin")
    board = Board(
        (config["wifi_name"], config["wifi_password"]),
        config.get("time_server", "pool.ntp.org"),
        None if battery is None else (battery, config.get("battery_per_mille", 500)),
    )
    tls = config.get("tls", False)
    port = config.get("port", 8883 if tls else 1883)
    user = config.get("user", "%s/%s" % (config["tenant"], config["tag"]))
    link = Mqtt(
        lambda: connected(config["broker"], port, tls),
        user,
        user,
        config.get("password"),
    )
    carrier = Broker(link, board.network, board.time_ms, config["tenant"], config["tag"])
    return board, Node(board, sensors(config, board), carrier, config.get("boot", 0))


def run():
    gc.threshold(2048)  # little garbage at a time, so that the heap does not fall to pieces
    config = load()
    pin = config.get("awake_pin")
    if pin is not None and is_grounded(pin):
        print("kept awake: pin %d is grounded" % pin)
        return
    try:
        work(config)
    except Exception as error:
        sys.print_exception(error)
        sleep(_AFTER_ERROR_MS)


def work(config):
    board, node = built(config)
    watchdog = board.watchdog(_WATCHDOG_S)
    while True:
        for _ in node.cycle():
            watchdog.feed()
        sleep(node.sleep())


if __name__ == "__main__":
    run()
