"""Packs that change while the rules are at work: taken over, or refused; nothing is lost."""

import os
import time

import pytest
from sqlalchemy import select

from lots import registry
from lots.model import PackVersion
from rules import pack
from rules.pack import PackError, parse
from rules.versions import Packs, record
from tests.rules.desk import PACK, RULES
from tests.rules.timeline import at

STRICTER = PACK.replace("humidity > 80", "humidity > 70").replace("humidity < 60", "humidity < 50")
REWORDED = PACK.replace("Open the doors of", "Open all doors of")


def other(text):
    return parse({"test.yaml": text})


def started(desk, rules=RULES):
    """At work, with nothing left to fold."""
    desk.start(rules)
    desk.settle()


def versions(desk):
    with registry.reading(desk.database) as session:
        return [(row.taken, row.texts) for row in session.scalars(select(PackVersion))]


def test_what_the_new_packs_say_of_the_past_becomes_the_record(desk):
    started(desk)
    desk.says((1, 50), (2, 75), (3, 75))
    assert desk.alerts() == []
    assert desk.evaluator.adopt(other(STRICTER))
    desk.settle()
    assert desk.alerts() == [("test.damp", 2, None)]
    assert desk.rows()[0].revised
    assert desk.told() == [("alert.opened", 2)], "it lasts: somebody can still act on it"


def test_an_alert_that_no_longer_stands_is_withdrawn(desk):
    started(desk, other(STRICTER))
    desk.says((1, 50), (2, 75), (3, 75))
    assert desk.evaluator.adopt(RULES)
    desk.settle()
    assert desk.alerts() == []
    assert [event for event, _ in desk.told()] == ["alert.opened", "alert.withdrawn"]


def test_what_goes_on_meanwhile_goes_on(desk):
    """Open since 2 h, silent since: neither ends nor begins anew."""
    started(desk)
    desk.says((1, 50), (2, 90))
    desk.ticks(2, 10)
    before = desk.alerts()
    assert [rule for rule, _, _ in before] == ["test.damp", "test.quiet"]
    assert desk.evaluator.adopt(other(REWORDED))
    assert not desk.evaluator.engine.dirty, "what is judged as before is not folded again"
    desk.settle(6)
    desk.ticks(10.5, 12)
    assert desk.alerts() == before
    assert desk.rows()[0].action.startswith("Open all doors of L1")
    desk.says((13, 55))
    assert [(rule, ended) for rule, _, ended in desk.alerts()] == [
        ("test.damp", 13), ("test.quiet", 13),
    ]  # fmt: skip


def test_an_open_alert_that_other_packs_have_otherwise_is_told_as_it_stands_now(desk):
    """However they came to it: by a word, or by steps that are there no more."""
    steps = "    steps:\n      - {severity: critical, when: humidity > 90, clear: humidity < 85}\n"
    mild = PACK.replace("severity: critical", "severity: warning", 1)
    worse = mild.replace(
        "    based_on: test\n  test.quiet", f"{steps}    based_on: test\n  test.quiet"
    )
    started(desk, other(worse))
    desk.says((0, 50), (1, 95))
    desk.settle()
    severities, told = [], []
    for hour, text in enumerate((mild, PACK, mild, PACK), 2):
        desk.clock.hour = hour
        assert desk.evaluator.adopt(other(text))
        desk.settle(4)
        (row,) = desk.rows()
        severities.append(row.severity)
        told.append([event for event, _ in desk.told()])
    assert severities == ["warning", "critical", "warning", "critical"]
    assert told[0] == ["alert.opened", "alert.lowered"]
    assert told[3].count("alert.raised") == told[3].count("alert.lowered") == 2


def test_a_rule_of_silence_that_is_gone_ends_with_it(desk):
    started(desk)
    desk.says((1, 50))
    desk.ticks(1, 10)
    assert [rule for rule, _, _ in desk.alerts()] == ["test.quiet"]
    assert desk.evaluator.adopt(other(PACK[: PACK.index("  test.quiet:")]))
    desk.settle()
    desk.ticks(10.5, 12)
    assert desk.alerts() == []


def test_without_room_for_a_snapshot_the_old_ones_stay(desk):
    started(desk)
    desk.says((1, 75))
    (desk.folder / "rules.partial").unlink()
    (desk.folder / "rules.partial").mkdir()
    assert not desk.evaluator.adopt(other(STRICTER))
    assert desk.evaluator.engine.rules is RULES
    desk.says((2, 90))
    assert desk.alerts() == [("test.damp", 2, None)]


def test_the_registry_says_which_were_in_force_from_when_on(desk):
    desk.clock.hour = 5
    desk.start()
    desk.clock.hour = 7
    assert desk.evaluator.adopt(other(STRICTER))
    assert versions(desk) == [(at(5), {"test.yaml": PACK}), (at(7), {"test.yaml": STRICTER})]
    desk.start(other(STRICTER))
    assert len(versions(desk)) == 2


# The folder.


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "packs"
    folder.mkdir()
    found = folder / "my.yaml"
    found.write_text(PACK, encoding="utf-8")
    return found


def put(file, text):
    """With another time of change, however coarse those are."""
    file.write_text(text, encoding="utf-8")
    later = time.time_ns() + 1_000_000_000 * len(text)
    os.utime(file, ns=(later, later))


def test_a_changed_file_is_read_when_it_has_come_to_rest(file, database):
    packs = Packs(file.parent, database)
    assert packs.changed() is None
    put(file, STRICTER[:100])
    assert packs.changed() is None
    put(file, STRICTER)
    assert packs.changed() is None
    found = packs.changed()
    assert found.rules[0].levels[0].opens.text == "humidity > 70"
    assert packs.changed().digest == found.digest, "until it is taken"
    packs.taken(found)
    assert packs.changed() is None


def test_a_broken_one_is_refused_and_a_mended_one_taken(file, database):
    packs = Packs(file.parent, database)
    put(file, PACK.replace("humidity > 80", "humidty > 80"))
    assert [packs.changed(), packs.changed()] == [None, None]
    assert packs.refused.startswith(
        "my.yaml, line 5: test.damp: when: there is no signal 'humidty'"
    )
    assert packs.rules.rules[0].levels[0].opens.text == "humidity > 80"
    put(file, PACK)
    assert [packs.changed(), packs.changed(), packs.refused] == [None, None, None]


def test_a_change_of_mode_is_seen(file):
    """One that could not be read was refused, and stayed so once it could."""
    before = pack.stamp(file.parent)
    time.sleep(0.02)
    file.chmod(0o644 if file.stat().st_mode & 0o777 == 0o600 else 0o600)
    assert pack.stamp(file.parent) != before


def test_what_editors_and_file_servers_leave_beside_a_pack_is_none(file, database):
    packs = Packs(file.parent, database)
    (file.parent / ".#my.yaml").symlink_to("somebody@host.1234")  # Emacs, while it is edited
    (file.parent / "._my.yaml").write_bytes(b"\x00\x05\x16\x07\xff")  # macOS, on a file server
    assert [packs.changed(), packs.changed(), packs.refused] == [None, None, None]
    put(file, STRICTER)
    assert [packs.changed(), packs.changed().rules[0].levels[0].opens.text] == [
        None,
        "humidity > 70",
    ]


def test_a_folder_that_is_gone_is_refused(file, database):
    packs = Packs(file.parent, database)
    file.unlink()
    file.parent.rmdir()
    assert [packs.changed(), packs.changed()] == [None, None]
    assert "cannot be read" in packs.refused


def test_an_upgrade_that_reads_packs_more_strictly_starts_with_what_was_in_force(file, database):
    """Names without quotes were read as YAML has them, and those of plain numbers were right."""
    limits = "limits: {dry: {value: 1, unit: K, about: x}}\noverlays:\n"
    for name in ("4711", "00123"):
        limits += f"  - for: {{tenant: acme, lot: {name}}}\n    limits: {{dry: 2}}\n"
    text = PACK.replace("rules:\n", limits + "rules:\n")
    put(file, text)
    before = parse({file.name: text}, were_in_force=True)
    with registry.writing(database) as session:
        record(session, before, at(0))
    packs = Packs(file.parent, database)
    assert packs.rules.digest == before.digest
    assert [overlay.subject["lot"] for overlay in packs.rules.overlays] == ["4711", "83"]
    assert packs.refused.startswith("my.yaml, line ")
    assert packs.refused.endswith("lot is 4711; it is a name: put it in quotes")
    put(file, text.replace("4711", '"4711"').replace("00123", '"00123"'))
    assert packs.changed() is None
    assert [overlay.subject["lot"] for overlay in packs.changed().overlays] == ["4711", "00123"]


def test_a_start_with_a_broken_one_goes_by_the_last_that_was_in_force(file, database):
    put(file, "pack: [")
    with pytest.raises(PackError, match=r"my\.yaml, line 1"):
        Packs(file.parent, database)
    with registry.writing(database) as session:
        record(session, RULES, at(0))
    packs = Packs(file.parent, database)
    assert packs.rules.digest == RULES.digest
    assert packs.refused.startswith("my.yaml, line 1")
