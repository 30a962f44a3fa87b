"""Small values, and the number of the start, which outlive a cut at any byte."""

import harness
from node.settings import Settings
from node.starts import delivered, next_boot
from node.twofold import MOST, Twofold


def cut(budget, kind, garbage, act):
    """Whether `act` came through before the power went."""
    harness.power(budget, kind, garbage)
    try:
        act()
        through = harness.is_on()
    except OSError:
        through = False
    harness.power(-1, "torn", -1)
    return through


def check_a_value_is_the_one_before_or_the_new_one():
    for kind in ("torn", "whole"):
        for garbage in (-1, 0x00, 0x7F):
            kept = Twofold("/data/value")
            kept.save(b"before")
            for budget in range(40):
                through = cut(budget, kind, garbage, lambda: Twofold("/data/value").save(b"after!"))
                found = Twofold("/data/value").load()
                assert found == b"after!" or (found == b"before" and not through), found
                kept.save(b"before")
            assert through


def check_a_value_that_never_was_is_none():
    assert Twofold("/data/value").load() is None
    try:
        Twofold("/data/value").save(bytes(MOST + 1))
        raise AssertionError("it was taken")
    except ValueError:
        pass


def started(*above):
    boot, _ = next_boot(Twofold("/data/boot"), *(above or (0,)))
    return boot


def check_the_number_grows_with_every_start():
    used = [started() for _ in range(5)]
    assert used == [1, 2, 3, 4, 5]


def check_the_number_grows_though_its_writing_was_torn():
    for kind in ("torn", "whole"):
        for garbage in (-1, 0x00, 0xFF):
            highest = started()
            for budget in range(30):
                used = []
                cut(budget, kind, garbage, lambda to=used: to.append(started()))
                found = started()
                assert found > highest, (kind, garbage, budget)
                assert not used or found > used[0], "no two that measured have the same"
                highest = found


def check_the_number_is_above_what_the_ring_and_the_provisioning_have():
    assert started(41, 0) == 42
    assert started(0, 1_764_000_000) == 1_764_000_001
    assert started(0, 0) == 1_764_000_002


def check_the_number_does_not_begin_again():
    assert started(0xFFFF_FFFE) == 0xFFFF_FFFF
    try:
        started()
        raise AssertionError("it began again")
    except ValueError:
        pass


def check_starts_that_delivered_nothing_are_counted():
    kept = Twofold("/data/boot")
    assert [next_boot(kept, 0) for _ in range(3)] == [(1, 0), (2, 1), (3, 2)]
    delivered(kept, 3)
    assert [next_boot(kept, 0) for _ in range(2)] == [(4, 0), (5, 1)]


def check_settings_outlive_a_cut():
    settings = Settings(Twofold("/data/settings"))
    settings.take(b'{"interval": 600}')
    for budget in range(140):
        cut(budget, "torn", 0x00, lambda of=settings: of.take(b'{"interval": 900}'))
        found = Settings(Twofold("/data/settings"))["interval"]
        assert found in (600, 900)
        settings = Settings(Twofold("/data/settings"))
        settings.take(b'{"interval": 600}')
