"""The ring in flash: what it keeps, what it overwrites, what it makes of torn writes."""

import os

import harness
from node.ring import HEADER_SIZE, Ring

SIZE = 8
SLOTS = 4
SEGMENT = HEADER_SIZE + SLOTS * (SIZE + 5)


def made(segments=3, look=None):
    ring = Ring("/data/ring", SIZE, segments, SEGMENT)
    ring.open(look)
    return ring


def record(number):
    return b"%08d" % number


def held(ring):
    return [int(bytes(data)) for _, data in ring.records()]


def positions(ring):
    return [position for position, _ in ring.records()]


def fill(ring, *numbers):
    for number in numbers:
        ring.append(record(number))


def check_what_is_kept_is_there_after_a_cut_in_its_order():
    ring = made()
    fill(ring, *range(10))
    seen = []
    again = made(look=lambda data: seen.append(int(bytes(data))))
    assert held(again) == list(range(10))
    assert sorted(seen) == list(range(10))
    assert (again.count, again.lost) == (10, 0)
    fill(again, 10, 11)
    assert held(made()) == list(range(12))


def check_what_was_released_is_not_there_any_more():
    ring = made()
    fill(ring, *range(9))
    ring.release(positions(ring)[::2])
    assert held(ring) == [1, 3, 5, 7]
    assert held(made()) == [1, 3, 5, 7]
    assert made().count == 4


def check_neighbours_are_released_by_one_write():
    """Each write costs littlefs a block, however short it is."""
    ring = made()
    fill(ring, *range(12))
    before = harness.writes()
    ring.release(positions(ring)[:8])
    assert harness.writes() - before == 2, "one for each of two segments"
    assert held(made()) == [8, 9, 10, 11]
    before = harness.writes()
    ring.release(positions(ring)[::2])
    assert harness.writes() - before == 2, "what is held between them is not written"
    assert held(made()) == [9, 11]


def check_a_release_that_is_torn_frees_no_other_record():
    for garbage in (-1, 0x00, 0xFF):
        for budget in range(1, 3):
            harness.erase()
            ring = made()
            fill(ring, *range(4))
            harness.power(budget, "torn", garbage)
            try:
                ring.release(positions(ring)[:3])
                raise AssertionError("it was not cut")
            except OSError:
                harness.power(-1, "torn", -1)
            assert held(made())[-1] == 3, (garbage, budget)
            assert held(made()) in ([0, 1, 2, 3][n:] for n in range(4))


def check_a_full_ring_overwrites_the_oldest_and_counts_them():
    ring = made()
    fill(ring, *range(12))
    ring.release(positions(ring)[:1])
    fill(ring, 12)
    assert ring.lost == 3, "of four in the oldest segment one was safe"
    assert held(ring) == list(range(4, 13))
    again = made()
    assert again.lost == 3
    assert held(again) == list(range(4, 13))


def check_a_round_of_a_thousand():
    ring = made()
    for number in range(1_000):
        ring.append(record(number))
        if number % 3 == 0:
            ring.release(positions(ring))
        if number % 50 == 0:
            ring = made()
    assert held(ring) == []
    assert ring.lost == 0


def check_a_torn_write_is_no_record_and_its_place_is_used_again():
    ring = made()
    fill(ring, 0, 1)
    for garbage in (-1, 0x00, 0xFF):
        for budget in range(1, SIZE + 4):
            harness.power(budget, "torn", garbage)
            try:
                ring.append(record(2))
                raise AssertionError("it was not cut")
            except OSError:
                harness.power(-1, "torn", -1)
            ring = made()
            assert held(ring) == [0, 1], (garbage, budget)
    fill(ring, 2, 3)
    ring = made()
    assert held(ring) == [0, 1, 2, 3]


def check_a_new_segment_is_there_whole_or_not_at_all():
    ring = made()
    fill(ring, *range(12))
    cuts = 0
    for budget in range(1, 60):
        harness.power(budget, "torn", 0x5A)
        try:
            ring.append(record(99))
            break
        except OSError:
            cuts += 1
            harness.power(-1, "torn", -1)
        ring = made()
        assert (ring.count, ring.lost) in ((12, 0), (8, 4)), (budget, ring.count, ring.lost)
    harness.power(-1, "torn", -1)
    assert cuts >= HEADER_SIZE + 2
    assert held(made()) == [4, 5, 6, 7, 8, 9, 10, 11, 99]
    assert made().lost == 4


def check_a_record_that_flash_damaged_is_not_believed():
    ring = made()
    fill(ring, *range(3))
    with open("/data/ring/0", "r+b") as file:
        file.seek(HEADER_SIZE + SLOTS + (SIZE + 4) + 3)
        file.write(b"X")
    first, third = positions(ring)
    assert (ring.count, ring.lost) == (2, 1)
    again = made()
    assert held(again) == [0, 2]
    assert (first, third) == tuple(positions(again))


def check_files_that_are_not_ours_are_no_segments():
    os.mkdir("/data/ring")
    for name, content in (("0", b""), ("1", b"short"), ("2", bytes(SEGMENT))):
        with open("/data/ring/" + name, "wb") as file:
            file.write(content)
    ring = made()
    assert ring.count == 0
    fill(ring, 1)
    assert held(made()) == [1]


def check_a_sleep_needs_no_reading():
    ring = made()
    fill(ring, *range(7))
    ring.release(positions(ring)[:2])
    state = ring.state()
    woken = Ring("/data/ring", SIZE, 3, SEGMENT)
    before = harness.spent()
    woken.restore(state)
    assert harness.spent() == before
    assert held(woken) == [2, 3, 4, 5, 6]
    fill(woken, 7)
    assert held(made()) == [2, 3, 4, 5, 6, 7]
    for wrong in (b"", state[:-1], state + b"0"):
        try:
            woken.restore(wrong)
            raise AssertionError("it was taken")
        except ValueError:
            pass


def check_wear_is_bounded():
    """A record costs its slot, one byte when it is released, and its share of what is ahead."""
    ring = made()
    before = harness.spent()
    rounds = 20 * 3 * SLOTS
    for number in range(rounds):
        ring.append(record(number))
        ring.release(positions(ring))
    opened = 2  # closing after each of the two writes
    header = (HEADER_SIZE + SLOTS + 3) / SLOTS
    assert harness.spent() - before <= rounds * (SIZE + 4 + 1 + opened + header)
    assert sorted(os.listdir("/data/ring")) == ["0", "1", "2"]
    assert all(os.stat("/data/ring/" + name)[6] <= SEGMENT for name in "012")
