"""What the node decides: acknowledgements, settings, waiting, the battery, the air."""

import json

import harness
from node import ack, airtime, battery, elsys
from node.backoff import delay_ms
from node.gate import ITEMS, WAITING, Debouncer, Gate
from node.record import Reading
from node.settings import BOUNDS, MOST_BYTES, Settings, judged
from node.twofold import Twofold


def check_an_answer():
    found = ack.parse(b'{"boot": 17, "seq": 4021, "missing": [[4010, 4012]]}')
    safe = [seq for seq in range(4_000, 4_030) if ack.covers(found, 17, seq)]
    assert safe == [n for n in range(4_000, 4_022) if not 4_010 <= n <= 4_012]
    assert not ack.covers(found, 16, 4_000)
    assert not ack.covers(found, 18, 4_000)


def check_what_is_no_answer_frees_nothing():
    ranges = json.dumps([[n, n] for n in range(33)])
    for wrong in (
        b"",
        b"no",
        b"[]",
        b"{}",
        b"7",
        b'{"boot":1,"seq":2}',
        b'{"boot":1,"seq":2,"missing":[1]}',
        b'{"boot":1,"seq":2,"missing":[[1,2,3]]}',
        b'{"boot":1,"seq":2,"missing":[["1",2]]}',
        b'{"boot":1.0,"seq":2,"missing":[]}',
        b'{"boot":1,"seq":-2,"missing":[]}',
        b'{"boot":true,"seq":2,"missing":[]}',
        b'{"boot":1,"seq":2,"missing":null}',
        b'{"boot":1,"seq":2,"missing":' + ranges.encode() + b"}",
        b'{"boot":1,"seq":2,"missing":[]',
        b"\xff\xfe",
    ):
        assert ack.parse(wrong) is None, wrong


def check_an_answer_to_an_earlier_question_is_told_apart():
    assert ack.answers(ack.Answer(17, 4_021, []), 17, 4_021)
    assert not ack.answers(ack.Answer(17, 4_020, []), 17, 4_021)
    assert not ack.answers(ack.Answer(16, 4_021, []), 17, 4_021)
    many = [(n, n) for n in range(0, 64, 2)]
    assert ack.answers(ack.Answer(17, 64, many), 17, 4_021), "there was no room for more"


def check_settings_within_their_bounds_are_taken():
    for name, (_, low, high) in BOUNDS.items():
        for value in (low, high):
            assert judged(json.dumps({name: value})) == ({name: value}, None)
        for value in (low - 1, high + 1, str(low), 10.5, True, None, [low]):
            accepted, wrong = judged(json.dumps({name: value}))
            assert accepted == {}, (name, value)
            assert wrong.startswith(name + ": send a whole number from"), wrong


def check_what_is_good_in_a_command_is_taken_and_the_rest_is_told():
    accepted, wrong = judged(b'{"interval": 600, "batch": 0, "colour": "red"}')
    assert accepted == {"interval": 600}
    assert wrong == "batch: send a whole number from 1 to 288; colour: not known", wrong
    for command in (
        b"",
        b"interval=5",
        b"[1]",
        b"7",
        b'{"a":' * 50,
        b"\xff",
        b"{[1]:2}",
        b"{{}:2}",
    ):
        assert judged(command)[0] == {}
        assert judged(command)[1], command
    for command in (b" " * (MOST_BYTES + 1), None):
        assert judged(command) == ({}, "a command that is too long: send 512 bytes at most")


def check_a_name_that_is_no_text_is_refused_like_any_other():
    accepted, wrong = judged(b'{1: 2, "interval": 600, null: 3, "batch": 0}')
    assert accepted == {"interval": 600}
    told = "1: not known; None: not known; batch: send a whole number from 1 to 288"
    assert wrong == told, wrong


def check_what_is_told_of_a_command_is_bounded():
    names = ",".join('"%d":1' % n for n in range(60))
    assert len(judged("{" + names + "}")[1]) <= 160


def check_a_command_is_kept_and_comes_again_without_wear():
    settings = Settings(Twofold("/data/settings"))
    settings.take(b'{"interval": 600, "batch": 12}')
    assert settings.refused is None
    before = harness.spent()
    for _ in range(5):
        settings.take(b'{"interval": 600, "batch": 12}')
    assert harness.spent() == before
    again = Settings(Twofold("/data/settings"))
    assert (again["interval"], again["batch"], again["retry_most"]) == (600, 12, 3_600)
    again.take(b'{"interval": 5}')
    assert (again["interval"], again.refused is None) == (600, False)


def check_settings_that_flash_does_not_keep_do_not_count():
    settings = Settings(Twofold("/data/settings"))
    harness.power(3, "torn", -1)
    settings.take(b'{"interval": 600}')
    harness.power(-1, "torn", -1)
    assert settings.refused == "flash did not keep the settings: send them again"
    assert settings["interval"] == Settings(Twofold("/data/settings"))["interval"] == 300


def check_waiting_doubles_up_to_the_most():
    waits = [delay_ms(failures, 30_000, 3_600_000, 0) for failures in range(1, 10)]
    assert waits == [30_000 << n for n in range(7)] + [3_600_000] * 2
    assert delay_ms(1_000_000, 30_000, 3_600_000, 0) == 3_600_000


def check_not_all_nodes_wait_as_long():
    waits = {delay_ms(4, 30_000, 3_600_000, n * 4_096) for n in range(16)}
    assert len(waits) == 16
    assert min(waits) > 120_000
    assert max(waits) == 240_000


def check_the_battery_by_what_was_taken():
    charge = battery.Charge()
    assert charge.days_left(3_300, 3_000) is None, "nothing is known yet"
    for _ in range(288):  # a day: 5 s awake at 40 mA, 2 s of radio, and sleep, each 5 min
        charge.count(battery.AWAKE_UA, 5_000)
        charge.count(battery.RADIO_UA, 2_000)
        charge.count(battery.SLEEPING_UA, 293_000)
    uah = 288 * (40_000 * 5 + 120_000 * 2 + 60 * 293) // 3_600
    assert abs(charge.taken_uah - uah) <= 1
    assert charge.counted_ms == 86_400_000
    full = charge.days_left(3_350, 3_000)
    assert full == (3_000_000 - charge.taken_uah) // charge.taken_uah, full
    assert charge.days_left(3_000, 3_000) == 240_000 // charge.taken_uah, "the voltage says less"
    assert charge.days_left(2_400, 3_000) == 0
    assert charge.days_left(None, 3_000) is None
    again = battery.Charge(*charge.state)
    assert again.state == charge.state


def check_the_curve_rises():
    found = [battery.percent(mv) for mv in range(2_400, 3_500, 5)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, 100)


def check_the_time_on_the_air_is_semtechs():
    """By the calculator of the network: 51 bytes at SF12, SF10 and SF7, 222 bytes at SF7."""
    assert airtime.airtime_us(51, 12) // 100 == 27_934
    assert airtime.airtime_us(51, 10) // 100 == 6_983
    assert airtime.airtime_us(51, 7) // 100 == 1_180
    assert airtime.airtime_us(222, 7) // 100 == 3_688


def check_one_per_cent_of_the_time():
    duty, now, on_air = airtime.DutyCycle(), 0, 0
    while now < 3_600_000:
        took = airtime.airtime_us(51, 12)
        on_air += took
        duty.used(now, took)
        now = max(now + took // 1000, duty.free_at_ms)
    assert on_air <= 36_000_000 + took
    assert on_air > 34_000_000


def reading(**values):
    found = dict.fromkeys(("temperature", "humidity", "probe", "battery", "days_left"))
    found.update({"boot": 1, "seq": 1, "t": 0, "clock_set": True, "lost": 0})
    found.update(values)
    return Reading(**found)


def check_the_compact_payload():
    one = reading(temperature=2_143, humidity=6_320, battery=2_980)
    assert elsys.encode(one, 0) == bytes.fromhex("0100d6 023f 070ba4")
    assert elsys.encode(one, 300) == bytes.fromhex("8100d6012c 823f012c 870ba4012c")
    assert elsys.encode(reading(temperature=-555, probe=-5), 200) == bytes.fromhex(
        "41ffc9c8 4c0000c8"
    )
    assert elsys.encode(one, 70_000)[:7] == bytes.fromhex("c100d600011170")
    assert elsys.encode(reading(), 5) == b""


def check_as_many_as_fit():
    many = [(reading(temperature=2_143, humidity=6_320), 300 * n) for n in range(20)]
    payload, count = elsys.fitted(many, 51)
    assert len(payload) <= 51
    assert count == 6, count
    assert elsys.fitted(many, 3) == (b"", 0)


def check_an_item_that_stays_is_told_once_a_minute():
    news = Debouncer()
    told = [at for at in range(0, 200_000, 100) if news.is_news("E280", 1, at)]
    assert told == [0, 60_000, 120_000, 180_000]
    assert news.is_news("E280", 2, 200_000), "another antenna"


def check_what_a_gate_remembers_is_bounded():
    news = Debouncer()
    for n in range(ITEMS + 1):
        assert news.is_news("%04X" % n, 1, n)
    assert not news.is_news("0001", 1, ITEMS + 2)
    assert news.is_news("0000", 1, ITEMS + 2), "the oldest was forgotten"


class Wire:
    def __init__(self):
        self.sent = []
        self.broken = True

    def publish(self, topic, payload):
        if self.broken:
            raise OSError("broken")
        self.sent.append((topic, payload))


class Reader:
    def __init__(self):
        self.seen = []

    def inventory(self):
        return self.seen


class Now:
    ms = 1_763_766_000_000

    def uptime_ms(self):
        return self.ms

    def stamp(self):
        return self.ms, True


def check_a_gate_keeps_what_the_broker_does_not_have():
    reader, wire, now = Reader(), Wire(), Now()
    gate = Gate(reader, now, "acme", "dock-3")
    reader.seen = [("3074257BF7194E4000001A85", 2, -525)]
    gate.look()
    gate.look()
    try:
        gate.send(wire)
        raise AssertionError("it went")
    except OSError:
        wire.broken = False
    gate.send(wire)
    gate.send(wire)
    assert wire.sent == [
        (
            "dunnage/v1/acme/dock-3/reads",
            '{"epc":"3074257BF7194E4000001A85","antenna":2,"t":1763766000000,"rssi":-52.5}',
        )
    ]


def check_what_waits_in_a_gate_is_bounded():
    reader, wire, now = Reader(), Wire(), Now()
    gate = Gate(reader, now, "acme", "dock-3")
    for n in range(WAITING + 10):
        reader.seen = [("%024X" % n, 1, None)]
        gate.look()
    wire.broken = False
    gate.send(wire)
    items = [item["epc"] for _, text in wire.sent for item in json.loads(text)]
    assert items == ["%024X" % n for n in range(10, WAITING + 10)]
