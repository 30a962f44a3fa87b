"""What the board runs after each start and each sleep: wires the node to the hardware."""

import gc
import json
import time

from boards.esp32 import Board, connected
from node.broker import Broker
from node.mqtt import Mqtt
from node.node import Node
from node.sht4x import SHT4x

_WATCHDOG_S = 60

_NEEDED = ("tenant", "tag", "broker", "wifi_name", "wifi_password")


def load(path="/config.json"):
    with open(path) as file:
        config = json.load(file)
    missing = [name for name in _NEEDED if not config.get(name)]
    if missing:
        raise ValueError("config.json has no %s" % ", ".join(missing))
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
    board, node = built(load())
    watchdog = board.watchdog(_WATCHDOG_S)
    while True:
        for _ in node.cycle():
            watchdog.feed()
        board.sleep(node.sleep())


if __name__ == "__main__":
    run()
