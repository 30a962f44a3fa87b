"""What the node makes of the examples of firmware_stubs/README.md, in their order."""

from node import elsys
from node.native import message, question, reading_json, sighting_json
from node.record import Reading
from node.settings import judged

T = 1_763_766_000_000


def reading(boot, seq, t, **values):
    names = ("temperature", "humidity", "probe", "battery", "days_left")
    found = dict.fromkeys(names)
    found.update({"boot": boot, "seq": seq, "t": t, "clock_set": True, "lost": 0})
    found.update(values)
    return Reading(**found)


def examples():
    measured = {"temperature": 2_143, "humidity": 6_320, "battery": 3_284}
    one = reading(17, 4021, T, days_left=412, **measured)
    yield reading_json(one, 0, question(3990))

    first = reading(17, 4019, T - 7_200_000, temperature=-5, humidity=6_400, battery=3_284)
    second = reading(17, 4020, T - 3_600_000, temperature=2_110, humidity=6_360, probe=1_206)
    yield message([reading_json(first, 0), reading_json(second, 0, question(4019))])

    yield reading_json(
        reading(18, 3, 120_000, clock_set=False, temperature=2_140), 184_000, question(0)
    )

    _, refused = judged('{"interval": 5}')
    yield reading_json(reading(18, 2107, T, temperature=2_140, lost=113), 0, question(113, refused))

    yield reading_json(reading(18, 2108, T + 300_000, battery=2_980), 0)

    yield message(
        [
            sighting_json("3074257BF7194E4000001A85", 2, -525, T, True, 0),
            sighting_json("E28011606000020934D6FAF7", 1, None, T + 400, True, 0),
        ]
    )


def compact():
    earlier = reading(1, 1, 0, temperature=2_110, humidity=6_400)
    now = reading(1, 2, 0, temperature=2_143, humidity=6_320, battery=3_284)
    return elsys.fitted([(now, 0), (earlier, 300)], 51)[0]


def written(fields):
    """What the node sends of a reading that is told in the contract's own names and numbers."""
    scaled = dict(fields)
    ask, first = scaled.pop("ack", None), scaled.pop("first", None)
    for name, scale in (("temperature", 100), ("humidity", 100), ("battery", 1000)):
        if name in scaled:
            scaled[name] = round(scaled[name] * scale)
    sent = scaled.pop("sent", None)
    made = reading(
        scaled.pop("boot"), scaled.pop("seq"), scaled.pop("t"), clock_set=sent is None, **scaled
    )
    return reading_json(made, sent or 0, question(first) if ask else "")
