"""How fast a fleet of 100 000 tags publishes, beside paho-mqtt and mosquitto_pub.

All of them at QoS 1, to one Mosquitto, until the last one is acknowledged. The others are given
their payloads ready made, mosquitto_pub all for one topic; ours makes what it sends.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from simulators.fast_fleet import WINDOW, Fleet, play
from simulators.message import Message
from simulators.voices import VOICES
from tests.bench.comparing import ROUNDS, Figure, compared, timed
from tests.servers import Mosquitto, find_program

TAGS = 100_000
MESSAGES = 100_000
PREPARED = 30_000
PATIENCE_S = 60.0


def figures() -> Iterator[Figure]:
    fleet = Fleet(TAGS, start_ms=time.time_ns() // 1_000_000, tenant="bench")
    speaker = VOICES["native"].open("bench")
    each = fleet.readings(np.arange(PREPARED))
    prepared = [message for readings in each for message in speaker.say(readings, 0)]
    with Mosquitto() as broker:
        play(fleet, broker.url, messages=1)  # compiles what is to be compiled
        beside_paho, beside_mosquitto = [], []
        for _ in range(ROUNDS):
            ours = timed(lambda: play(fleet, broker.url, messages=MESSAGES).messages)
            beside_paho.append((ours, timed(lambda: _paho(broker, prepared))))
            beside_mosquitto.append((ours, timed(lambda: _mosquitto_pub(broker, prepared))))
    name = f"fleet of {TAGS} tags"
    yield compared(f"{name}, beside paho", "messages", "paho that publishes", beside_paho)
    yield compared(f"{name}, beside mosquitto_pub", "messages", "mosquitto_pub", beside_mosquitto)


def _paho(broker: Mosquitto, messages: Sequence[Message]) -> int:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-paho")
    client.max_inflight_messages_set(0)
    room = threading.Semaphore(
        WINDOW
    )  # what waits in paho for its turn, it looks through each time
    client.on_publish = lambda *_: room.release()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for message in messages:
        assert room.acquire(timeout=PATIENCE_S), "the broker does not answer"
        client.publish(message.topic, message.payload, qos=1)
    for _ in range(WINDOW):
        assert room.acquire(timeout=PATIENCE_S), "not all is acknowledged"
    client.disconnect()
    client.loop_stop()
    return len(messages)


def _mosquitto_pub(broker: Mosquitto, messages: Sequence[Message]) -> int:
    program = find_program("mosquitto_pub", "mosquitto-clients")
    command = [program, "-p", str(broker.port), "-q", "1", "-l", "-t", messages[0].topic]
    lines = b"\n".join(message.payload for message in messages) + b"\n"
    subprocess.run(command, input=lines, check=True, timeout=PATIENCE_S)
    return len(messages)
