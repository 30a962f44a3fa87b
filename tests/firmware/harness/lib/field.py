"""Nodes on a real broker, whose power goes again and again."""

from cuts import Story
from node.mqtt import Mqtt
from real import FieldBoard, connected


class FieldStory(Story):
    """As `Story`, over MQTT: what ends a connection is the power alone."""

    by_steps = False

    def __init__(self, seed, tenant, port):
        super().__init__(seed, 5, 6)
        self.tenant = tenant
        self._port = port

    def _made_board(self, told_time):
        return FieldBoard(told_time)

    def _link(self):
        return Mqtt(lambda: connected(self._port), self.tag, timeout_s=5)


def play(seeds, tenant, port):
    """For `drive`: a seed at each call."""
    seeds = iter(seeds)

    def step():
        seed = next(seeds, None)
        if seed is None:
            return False
        FieldStory(seed, tenant, port).play()
        return True

    return step
