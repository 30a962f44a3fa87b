"""A node whose power goes again and again, at any byte and in any order of what it does.

Its link is not MQTT but a question to the test, which has Dunnage's own code at the other end and
loses, doubles and delays what passes between. What was kept is printed at the end of each seed.
"""

import json
import random

import harness
from board import Board
from node import delivery, record
from node.broker import Broker
from node.node import Node
from node.ring import HEADER_SIZE, Ring
from node.settings import Settings
from node.twofold import Twofold

delivery.MESSAGE, delivery.ROUND = 2, 4
"""So few that a round has several messages, and the power goes between them."""

LIVES = 2
CYCLES = 8
LARGEST_BUDGET = 480
"""Of a life that ends by it: about what so many cycles spend."""

ALL = 1_000_000_000
"""More than any budget."""

AWAY_CYCLES = 16
"""Of a life in which nobody is there: in most of them nothing is measured."""

CALM = 20
"""Cycles in which all has to be delivered when nothing fails any more."""


class Link:
    """As `Mqtt`; each of its steps may be the last before the power goes."""

    def __init__(self, story):
        self._story = story
        self._board = story.board
        self._answers = []
        self._amid = False  # between the messages of a round

    def connect(self):
        self._answers, self._amid = [], False
        self._step()
        if self._story.away:
            raise OSError("nobody is there")

    def open(self, will_topic, will):
        self._step()

    def subscribe(self, topics):
        self._ack = topics[0]
        self._step()

    def publish(self, topic, payload, retain=False):
        self._step()
        if topic.endswith("/status"):
            return
        story = self._story
        asked = {"tag": story.tag, "now": self._board.now_ms, "payload": payload}
        asked["calm"] = story.calm
        taken, answers = json.loads(harness.ask(json.dumps(asked)))
        self._answers += answers
        if not taken:
            raise OSError("no PUBACK")
        self._amid = '"ack":true' not in payload
        self._step()

    def receive(self, wait_ms):
        self._step()
        if not self._answers:
            self._board.now_ms += wait_ms
            return None
        return self._ack, self._answers.pop(0)

    def close(self):
        pass

    def _step(self):
        self._board.now_ms += 20
        rare = 2 if self._amid else 4
        cost = ALL if self._story.on_air and not random.getrandbits(rare) else 1
        if not harness.spend(cost):
            self._story.amid += self._amid
            raise OSError("the power is off")


class WitnessRing(Ring):
    """Notes what it said was kept."""

    kept = ()

    def append(self, data):
        super().append(data)
        if not harness.is_on():  # it went as the file was closed, which tells nobody
            raise OSError("the power is off")
        self.kept.append(record.unpack(data).temperature)


class Story:
    """One seed. Each reading has a temperature that no other of it has."""

    def __init__(self, seed, segments, slots, away=False):
        self.away = away
        """Whether nobody is there."""
        self.calm = False
        """Whether the network fails no more."""
        self.on_air = False
        """Whether the power goes at a step of the network, and not where a budget is spent, which
        it mostly is by writing."""
        self.amid = 0
        """How often the power went between the messages of a round."""
        self._segments = segments
        self._size = HEADER_SIZE + slots * (record.SIZE + 5)
        random.seed(seed)
        self.board = self._made_board(random.getrandbits(2) != 0)
        self.tag = "cut-%d" % seed
        self._tried = 0
        self._kept = []
        self._lives = 0
        harness.erase()

    tenant = "acme"
    by_steps = True
    """Whether its link can be cut at its own steps."""

    def _made_board(self, told_time):
        return Board(told_time)

    def _link(self):
        return Link(self)

    def _measure(self):
        self._tried += 1
        return {"temperature": self._tried}

    def _boot(self):
        ring = WitnessRing("/data/ring", record.SIZE, self._segments, self._size)
        ring.kept = self._kept
        board = self.board
        carrier = Broker(self._link(), board.network, board.time_ms, self.tenant, self.tag, _quiet)
        return Node(board, self._measure, carrier, 0, ring, _quiet), ring

    def live(self, budget, kind, garbage, cycles, calm=False):
        """From power on until it goes, or `cycles` are over; whether nothing is held then."""
        self._lives += 1
        harness.power(budget, kind, garbage)
        board = self.board
        board.power_on()
        board.now_ms += random.randrange(900_000)
        try:
            node, ring = self._boot()
            for _ in range(cycles):
                for _ in node.cycle():
                    pass
                if not harness.is_on() or (calm and not ring.count):
                    break
                board.now_ms += node.sleep()
                if not random.getrandbits(2):
                    node, ring = self._boot()  # out of deep sleep
        except OSError:
            if harness.is_on():
                raise
            return False
        self.lost = ring.lost
        return ring.count == 0

    def play(self):
        settings = Settings(Twofold("/data/settings"))
        settings.take(json.dumps({"batch": random.randrange(1, 7)}))
        for _ in range(LIVES):
            self.on_air = self.by_steps and random.getrandbits(1) == 1
            self.live(
                ALL - 1 if self.on_air else random.randrange(LARGEST_BUDGET),
                "whole" if random.getrandbits(1) else "torn",
                random.randrange(-1, 256),
                AWAY_CYCLES if self.away else CYCLES,
            )
        self.end()

    def end(self):
        """Let all that is held be delivered, and tell the test what there was."""
        self.calm, self.away, self.on_air = True, False, False
        self.tell(self.live(-1, "torn", -1, CALM, calm=True))

    def tell(self, empty):
        told = {
            "tag": self.tag,
            "kept": self._kept,
            "tried": self._tried,
            "lost": self.lost,
            "lives": self._lives,
            "amid": self.amid,
            "empty": empty,
        }
        print(json.dumps(told))


def _quiet(_):
    pass


def play(seeds, segments, slots, away=False):
    """For `drive`: a seed at each call; the ring has `segments` of so many `slots`. `away`: nobody
    is there until all lives but the last are over."""
    seeds = iter(seeds)

    def step():
        seed = next(seeds, None)
        if seed is None:
            return False
        Story(seed, segments, slots, away).play()
        return True

    return step


def play_each_step(kind, garbage, budgets, segments, slots):
    """For `drive`: one life that is cut after each of `budgets`, and then one to the end."""
    budgets = iter(budgets)

    def step():
        budget = next(budgets, None)
        if budget is None:
            return False
        story = Story(budget, segments, slots)
        story.tag = "step-%d" % budget
        story.calm = True
        empty = story.live(budget, kind, garbage, 2)
        if harness.is_on():
            story.tell(empty)
        else:
            story.end()
        return True

    return step
