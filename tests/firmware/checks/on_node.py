"""The node as a whole, on a board whose time and link are the test's."""

import json

import harness
from board import UNIX_MS, Board
from node import battery, lorawan, record
from node.broker import Broker
from node.delivery import MESSAGE, ROUND
from node.node import Node
from node.ring import Ring
from node.twofold import Twofold

TOPICS = "dunnage/v1/acme/tag-1/"


class Dunnage:
    """A link with a server at its end that has what it was sent and answers as the contract says.

    `forget`     these numbers never arrive; `answers`: whether it does; `down`: nobody is there
    `commands`   are retained; `late`: what comes ahead of an answer
    `takes_ms`   to take a message
    """

    def __init__(self, board):
        self._board = board
        self.down = False
        self.answers = True
        self.forget = set()
        self.commands = []
        self.late = []
        self.takes_ms = 0
        self.had = {}
        self.log = []
        self.asked = []
        self._waiting = []

    def connect(self):
        if self.down:
            raise OSError("nobody is there")

    def open(self, topic, will):
        self.log.append(("will", topic, will))

    def subscribe(self, topics):
        self.log.append(("subscribe",) + tuple(topics))
        self._waiting = [(TOPICS + "commands", command) for command in self.commands]

    def publish(self, topic, payload, retain=False):
        self.log.append((topic, payload, retain))
        self._board.now_ms += self.takes_ms
        if topic != TOPICS + "readings":
            return
        found = json.loads(payload)
        found = found if isinstance(found, list) else [found]
        for each in found:
            if each["seq"] not in self.forget:
                self.had.setdefault(each["boot"], {})[each["seq"]] = each
            if each.get("ack"):
                self.asked.append(each)
                if self.answers:
                    self._answer(each)
        self.forget = set()

    def _answer(self, asked):
        had = self.had.get(asked["boot"], {})
        missing = [n for n in range(asked["first"], asked["seq"] + 1) if n not in had]
        answer = {"boot": asked["boot"], "seq": asked["seq"]}
        answer["missing"] = [[n, n] for n in missing[:32]]
        if len(missing) > 32:
            answer["seq"] = missing[32] - 1
        self._waiting += self.late
        self._waiting.append((TOPICS + "ack", json.dumps(answer)))

    def receive(self, wait_ms):
        if not self._waiting:
            self._board.now_ms += wait_ms
            return None
        return self._waiting.pop(0)

    def close(self):
        self.log.append(("close",))


class Scene:
    def __init__(self, told_time=True, segments=16):
        self.board = Board(told_time)
        self.link = Dunnage(self.board)
        self.values = {"temperature": 2_143, "humidity": 6_320}
        self.said = []
        self.segments = segments
        self.wakes_ms = 0
        """From when it was to wake until the node runs."""
        self.node = self.made()

    def made(self, floor=0):
        board = self.board
        carrier = Broker(self.link, board.network, board.time_ms, "acme", "tag-1", self.said.append)
        self.ring = Ring("/data/ring", record.SIZE, self.segments)
        return Node(board, lambda: dict(self.values), carrier, floor, self.ring, self.said.append)

    def cycles(self, count, deep=True):
        for _ in range(count):
            for _ in self.node.cycle():
                pass
            self.board.now_ms += self.node.sleep() + self.wakes_ms
            if deep:
                self.node = self.made()

    def measure(self, count):
        """Until so many are measured in this start, without sending."""
        while self.node.seq < count:
            self.node._measure()

    def sent(self):
        return [entry[1] for entry in self.link.log if entry[0] == TOPICS + "readings"]

    def send(self):
        """When it is due whatever failed before."""
        self.board.now_ms += 7_200_000
        self.link.log.clear()
        self.link.down = False
        self.cycles(1, deep=False)
        return [json.loads(payload) for payload in self.sent()]

    def power_cut(self):
        self.board.power_on()
        self.node = self.made()


def check_a_reading_is_measured_kept_sent_and_let_go_of():
    scene = Scene()
    scene.cycles(1)
    assert scene.link.log[:3] == [
        ("will", TOPICS + "status", b"offline"),
        ("subscribe", TOPICS + "ack", TOPICS + "commands"),
        (TOPICS + "status", b"online", True),
    ]
    # The first is measured before anybody told the time, and sent after a look at what is retained.
    text = (
        '{"boot":1,"seq":0,"t":0,"sent":100,"temperature":21.43,"humidity":63.2,"battery":3.284,'
        '"ack":true,"first":0}'
    )
    assert scene.link.log[3] == (TOPICS + "readings", text, False), scene.link.log[3]
    assert scene.link.log[4] == ("close",)
    assert scene.ring.count == 0
    scene.cycles(1)
    assert scene.link.had[1][1]["t"] == UNIX_MS + 300_000
    assert scene.said == []


def check_sleep_is_no_start_and_a_power_cut_is():
    scene = Scene()
    scene.cycles(3)
    scene.power_cut()
    scene.cycles(2)
    assert sorted(scene.link.had) == [1, 2]
    assert sorted(scene.link.had[1]) == [0, 1, 2]
    assert sorted(scene.link.had[2]) == [0, 1]


def check_memory_that_is_garbage_is_a_start():
    for garbage in (b"", b"garbage", bytes(400)):
        scene = Scene()
        scene.cycles(1)
        boot = scene.node.boot
        scene.board.remember(garbage)
        assert scene.made().boot > boot
    scene.cycles(1)
    boot, memory = scene.node.boot, scene.board.recall
    scene.node.sleep()
    data = bytearray(memory())
    data[9] ^= 1
    scene.board.remember(data)
    assert scene.made().boot > boot


def check_a_jump_over_a_sleep_is_measured_again():
    scene = Scene()
    scene.values["probe"] = 1_206
    scene.cycles(1)
    calls = []

    def measure():
        calls.append(1)
        return {"temperature": 2_143, "probe": 9_000 if len(calls) == 1 else 1_200}

    scene.node._measure_all = measure
    scene.cycles(1)
    assert len(calls) == 3
    assert scene.link.had[1][1]["probe"] == 12.0


def check_readings_are_taken_on_the_beat():
    scene = Scene()
    scene.cycles(10)
    times = [scene.link.had[1][n]["t"] for n in range(1, 10)]
    assert [b - a for a, b in zip(times, times[1:])] == [300_000] * 8


def check_the_interval_changes_by_a_command_and_stays():
    scene = Scene()
    scene.link.commands = [b'{"interval": 60, "batch": 3}']
    scene.cycles(2)
    scene.link.commands = []
    scene.power_cut()
    scene.link.log.clear()
    scene.cycles(7)
    # What was held, the first of the new start with it, and then three at a time.
    assert [payload.count('"seq"') for payload in scene.sent()] == [1, 1, 2, 3], scene.sent()
    times = [scene.link.had[2][n]["t"] for n in range(1, 6)]
    assert [b - a for a, b in zip(times, times[1:])] == [60_000] * 4


REFUSED = "interval: send a whole number from 10 to 86400"


def check_a_command_that_is_bad_is_told_as_long_as_it_is_retained():
    scene = Scene()
    scene.link.commands = [b'{"interval": 5}']
    scene.cycles(2)
    scene.link.commands = [None]  # too long to be taken in
    scene.cycles(1)
    scene.link.commands = [b""]
    scene.cycles(1)
    told = [each.get("refused") for each in scene.link.asked]
    too_long = "a command that is too long: send 512 bytes at most"
    assert told == [REFUSED, REFUSED, too_long, None], told


def check_a_bad_command_behind_the_question_is_told_after_the_sleep():
    scene = Scene()
    scene.link.late = [(TOPICS + "commands", b'{"interval": 5}')]
    scene.cycles(1)
    scene.link.late = []
    scene.cycles(2)
    told = [each.get("refused") for each in scene.link.asked]
    assert told == [None, REFUSED, None], told


def check_a_command_that_flash_does_not_keep_does_not_cost_the_answer():
    scene = Scene()
    scene.link.late = [(TOPICS + "commands", b'{"interval": 600}')]
    save = Twofold.save

    def full(self, value):
        if self._paths[0].startswith("/data/settings"):
            raise OSError("no room")
        save(self, value)

    Twofold.save = full
    try:
        scene.cycles(1)
    finally:
        Twofold.save = save
    assert scene.ring.count == 0
    assert scene.node.settings["interval"] == 300
    assert scene.node.settings.refused.startswith("flash did not keep")


def check_an_interval_of_seconds_does_not_starve_sending():
    """The network takes longer to be there than it is to the next reading."""
    scene = Scene()
    scene.node.settings.take(b'{"interval": 10}')
    network = scene.board.network

    def slow(on):
        network(on)
        scene.board.now_ms += 12_000 if on else 0

    scene.board.network = slow
    scene.cycles(40)
    assert scene.node.seq >= 20, scene.node.seq
    assert scene.ring.count <= 3
    assert scene.said == []


def check_a_reading_that_is_due_does_not_wait_for_a_backlog():
    scene = Scene()
    scene.measure(300)
    scene.link.takes_ms = 3_000
    scene.send()
    assert 0 < scene.ring.count < 300, scene.ring.count
    assert scene.said == []
    scene.cycles(3)
    assert scene.ring.count == 0


def check_an_old_answer_does_not_end_the_wait():
    scene = Scene()
    scene.measure(3)
    scene.link.late = [(TOPICS + "ack", b'{"boot": 1, "seq": 0, "missing": []}')]
    assert len(scene.send()) == 1, "nothing is sent again"
    assert scene.ring.count == 0


def check_the_watchdog_is_fed_between_any_two_waits():
    scene = Scene()
    board, link = scene.board, scene.link

    def slow(step):
        def after_a_while(*given):
            board.now_ms += 20_000
            return step(*given)

        return after_a_while

    for name in ("connect", "open", "subscribe", "publish", "receive"):
        setattr(link, name, slow(getattr(link, name)))
    fed, longest = board.now_ms, 0
    for _ in scene.node.cycle():
        fed, longest = board.now_ms, max(longest, board.now_ms - fed)
    assert max(longest, board.now_ms - fed) <= 21_000
    assert scene.ring.count == 0


class Carrier:
    """Does what it is told to, and brings nothing away."""

    free_at_ms = 0

    def __init__(self, act):
        self._act = act
        self.asked = 0

    def carry(self, *_):
        self.asked += 1
        yield
        self._act()


def check_whatever_goes_wrong_as_it_sends_it_goes_on():
    def raising(error):
        def act():
            raise error

        return act

    for act in (raising(MemoryError()), raising(TypeError("None")), raising(OSError()), int):
        harness.erase()
        board, carrier, said = Board(), Carrier(act), []
        node = Node(board, lambda: {"temperature": 2_143}, carrier, 0, None, said.append)
        begins = board.now_ms
        while board.now_ms < begins + 4 * 3_600_000:
            for _ in node.cycle():
                pass
            board.now_ms += node.sleep()
            assert carrier.asked <= 12, act
        assert carrier.asked >= 8, (act, carrier.asked)
        assert len(said) == carrier.asked
        assert node._ring.count == node.seq >= 48


class Reset(BaseException):
    """The board begins anew."""


def check_a_board_that_breaks_down_as_it_sends_keeps_its_readings():
    scene = Scene()
    network = scene.board.network

    def breaking_down(on):
        if on:
            raise Reset

    scene.board.network = breaking_down
    resets, days = 0, 1
    ends = scene.board.now_ms + days * 86_400_000
    while scene.board.now_ms < ends:
        try:
            scene.cycles(1)
        except Reset:
            resets += 1
            assert resets < 60, "it waits longer each time"
            scene.power_cut()
    assert resets > 20, resets
    assert (scene.ring.lost, scene.said) == (0, [])
    assert scene.ring.count <= days * 288 + resets
    scene.board.network = network
    scene.power_cut()
    scene.send()
    assert scene.ring.count == 0
    scene.power_cut()
    scene.cycles(1)
    assert scene.ring.count == 0, "it delivered: the next start sends at once"


def check_a_battery_that_is_empty_is_spared_the_radio():
    scene = Scene()
    scene.board.battery = 2_899
    scene.cycles(20)
    assert scene.link.log == []
    assert scene.ring.count == scene.node.seq > 3
    assert "the battery has 2899 mV" in scene.said[0]
    scene.board.battery = 2_900
    scene.send()
    assert scene.ring.count == 0


def check_a_reading_that_flash_does_not_keep_is_counted():
    scene = Scene()
    scene.measure(1)
    harness.power(0, "torn", -1)
    scene.node._measure()
    harness.power(-1, "torn", -1)
    scene.cycles(1)
    scene.send()
    assert [each.get("lost") for each in scene.link.had[1].values()] == [None, 1]


def check_a_time_that_the_port_cannot_have_does_not_keep_readings_back():
    scene = Scene()

    def set_raw_ms(ms):
        raise OverflowError("overflow converting long int to machine word")

    scene.board.set_raw_ms = set_raw_ms
    scene.node = scene.made()
    scene.send()
    assert scene.ring.count == 0
    assert scene.said[0].startswith("the clock was not set: overflow")


def check_the_battery_pays_for_waking_up():
    scene = Scene()
    scene.wakes_ms = 2_000
    begins = scene.board.now_ms
    scene.cycles(10)
    for _ in scene.node.cycle():
        pass
    assert scene.node._charge.counted_ms == scene.board.now_ms - begins
    least = 10 * 2_000 * battery.AWAKE_UA // 3_600_000
    assert scene.node._charge.taken_uah >= least


def check_what_waited_goes_out_oldest_start_first():
    scene = Scene()
    scene.measure(5)
    scene.power_cut()
    scene.measure(3)
    scene.send()
    asked = [(each["boot"], each["first"], each["seq"]) for each in scene.link.asked]
    assert asked == [(1, 0, 4), (2, 0, 3)], asked
    assert sorted(scene.link.had[1]) == list(range(5))
    assert sorted(scene.link.had[2]) == list(range(4))
    assert scene.ring.count == 0


def check_a_backlog_goes_in_rounds_and_the_last_of_each_asks():
    scene = Scene()
    scene.measure(300)
    sent = scene.send()
    assert max(len(each) for each in sent if isinstance(each, list)) == MESSAGE
    assert [each["seq"] for each in scene.link.asked] == list(range(ROUND - 1, 300, ROUND)) + [299]
    assert [each["first"] for each in scene.link.asked] == list(range(0, 300, ROUND))
    assert scene.ring.count == 0


def check_what_is_missing_is_sent_again_and_nothing_else():
    scene = Scene()
    scene.measure(10)
    scene.link.forget = {3, 4, 7}
    sent = scene.send()
    assert [len(each) for each in sent] == [8, 3, 3]
    assert [each["seq"] for each in sent[2]] == [3, 4, 7]
    assert sent[2][-1]["first"] == 3
    assert scene.ring.count == 0


def check_more_missing_than_an_answer_has_room_for():
    scene = Scene()
    scene.measure(100)
    publish = scene.link.publish

    def lossy(topic, payload, retain=False):
        if len(scene.link.asked) < 2:  # until it asks for the third time
            scene.link.forget = set(range(0, 100, 2))
        publish(topic, payload, retain)

    scene.link.publish = lossy
    scene.send()
    asked = [(each["first"], each["seq"]) for each in scene.link.asked]
    assert asked == [(0, 55), (0, 83), (0, 87), (88, 99)], asked
    assert sorted(scene.link.had[1]) == list(range(100))
    assert scene.ring.count == 0


def check_an_answer_that_comes_late_frees_what_it_covers():
    scene = Scene()
    scene.measure(3)
    scene.link.answers = False
    scene.send()
    assert scene.ring.count == 4
    scene.link.answers = True
    late = scene.link.receive

    def twice(wait_ms):
        found = late(wait_ms)
        return found or (TOPICS + "ack", '{"boot": 1, "seq": 2, "missing": [[1, 1]]}')

    scene.link.receive = twice
    scene.link.answers = False
    scene.send()
    assert [record.number(data)[1] for _, data in scene.ring.records()][:1] == [1]


def check_without_an_answer_all_is_kept_and_it_backs_off():
    scene = Scene()
    scene.link.answers = False
    begins = scene.board.now_ms
    while scene.board.now_ms < begins + 4 * 3_600_000:
        scene.cycles(1)
    assert scene.ring.count == scene.node.seq
    tries = [entry for entry in scene.link.log if entry[0] == "will"]
    assert 8 <= len(tries) <= 12, len(tries)
    assert all("everything is kept" in line for line in scene.said), scene.said
    scene.link.answers = True
    scene.send()
    assert scene.ring.count == 0


def check_a_full_ring_says_what_it_lost():
    scene = Scene(segments=2)
    scene.link.down = True
    scene.cycles(1)
    while not scene.ring.lost:
        scene.node._measure()
    lost = scene.ring.lost
    scene.node._measure()
    assert scene.said[-1] == "the ring is full: %d readings were overwritten" % lost, scene.said[-1]
    scene.send()
    assert scene.link.asked[0]["first"] == lost
    assert scene.link.had[1][scene.node.seq - 1]["lost"] == lost
    assert scene.ring.count == 0


def check_a_sensor_that_fails_leaves_the_battery_to_tell():
    scene = Scene()
    scene.values = {}
    scene.cycles(1)
    found = scene.link.had[1][0]
    assert found["battery"] == 3.284
    assert "temperature" not in found
    scene.board.battery = None
    scene.cycles(1)
    assert scene.node.seq == 1, "there was nothing to tell"
    assert scene.said == ["nothing could be measured"]


def check_a_clock_that_nobody_sets_goes_on_over_cuts():
    scene = Scene(told_time=False)
    scene.measure(1)
    scene.board.now_ms += 300_000
    scene.measure(2)
    scene.power_cut()
    scene.measure(1)
    scene.send()
    times = [each["t"] for boot in (1, 2) for each in scene.link.had[boot].values()]
    assert times == sorted(times)
    assert len(set(times)) == len(times)
    assert all(each["sent"] >= each["t"] for each in scene.link.had[1].values())


def check_days_left_are_told_after_an_hour():
    scene = Scene()
    scene.cycles(20)
    assert "battery_days" not in scene.link.had[1][5]
    assert 100 < scene.link.had[1][19]["battery_days"] < 3_000, scene.link.had[1][19]


class Modem:
    def __init__(self):
        self.sent = []
        self.confirms = True

    def send(self, port, payload):
        self.sent.append((port, payload))
        if not self.confirms:
            raise OSError("not confirmed")


class LoraScene:
    def __init__(self, spreading):
        self.board, self.modem = Board(), Modem()
        self._spreading = spreading
        self.made()

    def made(self):
        carrier = lorawan.Lorawan(self.modem, self._spreading)
        self.ring = Ring("/data/ring", record.SIZE)
        self.node = Node(
            self.board, lambda: {"temperature": 2_143}, carrier, 0, self.ring, lambda _: None
        )

    def cycle(self):
        for _ in self.node.cycle():
            pass
        self.board.now_ms += self.node.sleep()
        self.made()


def check_a_node_of_a_lorawan_keeps_what_is_not_confirmed():
    scene = LoraScene(7)
    scene.modem.confirms = False
    for _ in range(5):
        scene.cycle()
    assert scene.ring.count == scene.node.seq
    scene.modem.confirms = True
    scene.board.now_ms += 7_200_000
    scene.cycle()
    assert scene.ring.count == 0
    port, payload = scene.modem.sent[-1]
    assert port == 5
    assert payload.count(b"\x00\xd6") == scene.node.seq


def check_a_node_of_a_lorawan_keeps_to_its_duty_cycle_over_sleeps():
    scene = LoraScene(12)
    for _ in range(60):
        scene.node._measure()
    starts = []
    for _ in range(40):
        before, began = len(scene.modem.sent), scene.board.now_ms
        scene.cycle()
        if len(scene.modem.sent) > before:
            starts.append(began)
    assert scene.ring.count == 0
    gaps = [b - a for a, b in zip(starts, starts[1:])]
    assert min(gaps) >= 190_000, "2 s on the air, and a hundred times as long in all"


def check_what_is_not_confirmed_was_on_the_air_all_the_same():
    scene = LoraScene(12)
    scene.modem.confirms = False
    for _ in range(5):
        scene.node._measure()
    starts = []
    for _ in range(20):
        before, began = len(scene.modem.sent), scene.board.now_ms
        scene.cycle()
        if len(scene.modem.sent) > before:
            starts.append(began)
    gaps = [b - a for a, b in zip(starts, starts[1:])]
    assert len(gaps) > 3
    assert min(gaps) >= 190_000, gaps
