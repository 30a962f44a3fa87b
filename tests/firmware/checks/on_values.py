"""Readings as bytes and as text: exact, whatever the width of a float."""

from node import record
from node.clock import RESTART_MS
from node.native import fixed, message, plain, question, reading_json, sighting_json
from node.record import Reading

NOW = 1_763_766_000_000


def reading(**values):
    found = dict.fromkeys(("temperature", "humidity", "probe", "battery", "days_left"))
    found.update({"boot": 17, "seq": 4021, "t": NOW, "clock_set": True, "lost": 0})
    found.update(values)
    return Reading(**found)


def check_numbers_are_written_without_a_float():
    for value, decimals, text in (
        (2_140, 2, "21.4"),
        (2_143, 2, "21.43"),
        (2_100, 2, "21.0"),
        (0, 2, "0.0"),
        (5, 2, "0.05"),
        (-5, 2, "-0.05"),
        (-100, 2, "-1.0"),
        (-4_000, 2, "-40.0"),
        (2_980, 3, "2.98"),
        (3_284, 3, "3.284"),
        (3_000, 3, "3.0"),
        (-525, 1, "-52.5"),
    ):
        assert fixed(value, decimals) == text, (value, fixed(value, decimals))


def check_a_record_has_all_of_a_reading():
    for kept in (
        reading(temperature=-4_000, humidity=10_000, probe=12_500, battery=3_284, days_left=90),
        reading(battery=0, days_left=0, lost=4_000_000_000),
        reading(boot=4_000_000_000, seq=4_000_000_000, t=1 << 45, temperature=0),
        reading(t=-5, clock_set=False, temperature=1),
    ):
        data = record.pack(kept)
        assert len(data) == record.SIZE
        assert record.unpack(data) == kept
        assert record.number(data) == (kept.boot, kept.seq)


def check_what_was_not_measured_is_left_out():
    text = reading_json(reading(temperature=2_140), 0)
    assert text == '{"boot":17,"seq":4021,"t":1763766000000,"temperature":21.4}', text
    assert "lost" not in text
    assert reading_json(reading(battery=2_980, lost=12), 0).endswith(',"battery":2.98,"lost":12}')


def check_a_clock_that_was_never_set_sends_what_it_says_now():
    kept = reading(t=120_000, clock_set=False, temperature=2_140)
    assert '"t":120000,"sent":184000,' in reading_json(kept, 184_000)


def check_the_count_restarts_before_it_looks_like_seconds():
    day_7, day_9 = RESTART_MS - 86_400_000, RESTART_MS + 86_400_000
    text = reading_json(reading(t=day_7, clock_set=False, temperature=1), day_9)
    assert '"t":-86400000,"sent":86400000,' in text, text


def check_what_asks_and_what_was_refused():
    text = reading_json(reading(temperature=2_140), 0, question(3_990, 'no "5"\n'))
    assert text.endswith(',"ack":true,"first":3990,"refused":"no ?5??"}'), text
    assert plain("Grüße \x1b[2J") == "Gr??e ?[2J"


def check_one_reading_is_an_object_and_more_are_an_array():
    assert message(["{}"]) == "{}"
    assert message(["{}", "{}"]) == "[{},{}]"


def check_a_sighting():
    text = sighting_json("E28011606000020934D6FAF7", 1, None, 5_000, False, 9_000)
    assert text == '{"epc":"E28011606000020934D6FAF7","antenna":1,"t":5000,"sent":9000}', text
