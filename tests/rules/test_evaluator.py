"""The rules at work, on SQLite and PostgreSQL: what is written, and what survives what."""

import errno
import math
from unittest.mock import patch

import numpy as np
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from lots import registry
from lots.cursors import CursorMismatch, adopt_journal
from lots.fields import written
from lots.model import Cursor, Refold
from lots.readings.batch import TagKey, of_tag
from rules import snapshot
from rules.evaluator import CURSOR
from rules.pack import load, parse
from tests.rules.desk import JOURNAL, PACK, TENANT
from tests.rules.timeline import KEY, at, hours


@pytest.fixture(name="desk")
def _desk(desk):
    """At work: a first start knows nothing of the lots, and they are blind until folded."""
    desk.start()
    desk.settle()
    return desk


def cursor(desk):
    with registry.reading(desk.database) as session:
        row = session.get(Cursor, CURSOR)
        return None if row is None else (row.journal, row.offset)


def refolds(desk):
    with registry.reading(desk.database) as session:
        return len(session.scalars(select(Refold)).all())


# One after the other.


def test_from_reading_to_message(desk):
    """Dry at 0 h, damp at 1 h, dry at 3 h."""
    desk.says((0, 50))
    assert desk.alerts() == []
    desk.says((1, 90))
    assert desk.alerts() == [("test.damp", 1, None)]
    desk.says((2, 70))
    desk.says((3, 50))
    assert desk.alerts() == [("test.damp", 1, 3)]
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 3)]


def test_what_is_said_again_changes_nothing(desk):
    for _ in range(3):
        desk.says((0, 50), (1, 90), (2, 50))
    assert desk.alerts() == [("test.damp", 1, 2)]
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 2)]


def test_the_transaction_that_writes_alerts_carries_the_offset(desk):
    desk.says((0, 50))
    desk.says((1, 90))
    assert cursor(desk) == ("j1", 2)
    desk.ticks(1, 2)
    assert cursor(desk) == ("j1", 5)


def test_a_silence_is_told_once_and_its_end_too(desk):
    desk.ticks(-1, 0)
    desk.says((0, 50))
    desk.ticks(0.5, 9)
    assert desk.alerts() == [("test.quiet", 6, None)]
    desk.says((9.25, 50))
    desk.ticks(9.5, 12)
    assert desk.alerts() == [("test.quiet", 6, 9.25)]
    assert desk.told() == [("alert.opened", 6), ("alert.cleared", 9.25)]


def test_a_place_speaks_for_the_lots_that_stood_there_when_it_was_measured(desk):
    """A tag in the box; L2 stood there from 2 to 4 h. The readings all come at 6 h."""
    desk.put("tags", id="T2")
    desk.put("bindings", tag="T2", place="box", begins=written(at(-10)))
    desk.lot("L2")
    desk.move("L2", 2, "box")
    desk.move("L2", 4, "bay")
    desk.settle()
    desk.says((1, 90), (2, 50), (3, 90), (4, 50), (5, 90), tag="T2")
    found = [(row.lot, row.rule, hours(row.opened), row.cleared) for row in desk.rows()]
    assert found == [("L2", "test.damp", 3, None)]


# What is late, and facts that change.


def test_what_is_late_is_put_right_when_the_lot_is_quiet(desk):
    """Dry at 0 to 20 h by the hour, but for 4 h; its reading comes at 20 h, and it was damp."""
    desk.says(*((hour, 50) for hour in range(21) if hour != 4))
    desk.says((4, 90))
    assert desk.alerts() == []
    desk.settle()
    assert desk.alerts() == [("test.damp", 4, 5)]
    assert desk.rows()[0].revised
    assert desk.told() == []  # nobody can act on it any more
    assert desk.evaluator.engine.dirty == {}


def test_a_corrected_binding_withdraws_what_never_was(desk):
    """T1 says damp at 1 h; it hung on another lot until 5 h."""
    desk.says((0, 50), (1, 90), (6, 50))
    desk.remove("bindings", f"T1@{written(at(-100))}")
    desk.put("bindings", tag="T1", lot="L1", begins=written(at(5)))
    desk.settle()
    assert desk.alerts() == []
    assert [(event, hour) for event, hour in desk.told() if event == "alert.withdrawn"] == [
        ("alert.withdrawn", 6)
    ]


def test_a_calibration_that_comes_late_rewrites_what_was_told(desk):
    """Damp at 1 h by a sensor that was 20 %RH too high, as it turns out."""
    desk.says((0, 50), (1, 90), (2, 50))
    correction = {"quantity": "humidity", "begins": written(at(-50)), "offset": -20.0}
    desk.put("tags", id="T1", interval_s=3600, corrections=[correction])
    desk.settle()
    assert desk.alerts() == []
    desk.says((3, 95))
    assert desk.alerts() == []
    desk.says((4, 101))
    assert desk.alerts() == [("test.damp", 4, None)]


def test_while_the_store_does_not_answer_a_dirty_lot_waits(desk):
    desk.says(*((hour, 50) for hour in range(21) if hour != 4))
    desk.says((4, 90))
    desk.store.cut = True
    for _ in range(3):
        desk.settle()
    assert desk.evaluator.engine.dirty == {KEY: at(4)}
    desk.says((21, 90), stored=False)  # alerts go on meanwhile
    assert desk.alerts() == [("test.damp", 21, None)]
    desk.store.cut = False
    desk.store.write(desk.journal[-1])
    desk.settle()
    assert desk.evaluator.engine.dirty == {}
    assert desk.alerts() == [("test.damp", 4, 5), ("test.damp", 21, None)]


def test_a_dirty_lot_waits_until_the_store_has_what_the_rules_have_seen(desk):
    """Otherwise an alert of what is not stored yet would be withdrawn."""
    desk.says((0, 50))
    desk.says((1, 90), stored=False)
    desk.evaluator.engine.mark(KEY, 0)
    for _ in range(3):
        desk.evaluator.settle(1)
    assert desk.alerts() == [("test.damp", 1, None)]
    assert KEY in desk.evaluator.engine.dirty
    desk.store.write(desk.journal[1])
    desk.settle()
    assert desk.alerts() == [("test.damp", 1, None)]
    assert desk.told() == [("alert.opened", 1)]


# Lots that come and go.


def test_a_lot_that_is_deleted_is_forgotten(desk):
    desk.says((0, 50), (1, 90))
    desk.settle()
    desk.remove("bindings", f"T1@{written(at(-100))}")
    desk.remove("moves", f"L1@{written(at(-100))}")
    desk.remove("lots", "L1")
    desk.says((2, 50))
    desk.settle()
    assert desk.rows() == []
    assert desk.evaluator.engine.heard() == set()
    assert cursor(desk) == ("j1", 2)


def test_a_lot_that_is_deleted_while_it_is_folded_stops_nobody(desk):
    """The evaluator still knows it; the registry does not."""
    desk.put("tags", id="T2")
    desk.lot("L2")
    desk.put("bindings", tag="T2", lot="L2", begins=written(at(-1)))
    desk.settle()
    desk.remove("bindings", f"T1@{written(at(-100))}")
    desk.remove("moves", f"L1@{written(at(-100))}")
    desk.remove("lots", "L1")
    desk.says((0, 50), (1, 90))
    desk.says((1, 90), tag="T2")
    assert [row.lot for row in desk.rows()] == ["L2"]
    assert cursor(desk) == ("j1", 2)


@pytest.mark.parametrize("tables", ["postgresql"], indirect=True)
def test_a_lot_that_is_deleted_between_the_look_and_the_write_stops_nobody(desk):
    """SQLite has one writer: there is no such moment on it."""
    desk.says((0, 50))
    desk.remove("bindings", f"T1@{written(at(-100))}")
    desk.remove("moves", f"L1@{written(at(-100))}")
    seen = []

    @event.listens_for(desk.database, "before_cursor_execute")
    def delete(connection, cur, statement, *rest):
        if statement.startswith("INSERT INTO alerts") and not seen:
            seen.append(statement)
            desk.remove("lots", "L1")

    try:
        desk.says((1, 90))
    finally:
        event.remove(desk.database, "before_cursor_execute", delete)
    assert seen
    assert desk.rows() == []
    assert cursor(desk) == ("j1", 2)
    assert desk.evaluator.pending == []


def test_a_registry_that_does_not_answer_loses_nothing(desk):
    """The tables are away for a moment: what was folded is written when they are back."""
    rename = "ALTER TABLE {} RENAME TO {}"
    desk.says((0, 50))
    with desk.database.begin() as connection:
        connection.execute(text(rename.format("cursors", "away")))
    with pytest.raises((OperationalError, ProgrammingError)):
        desk.says((1, 90))
    with pytest.raises((OperationalError, ProgrammingError)):
        desk.evaluator.commit()
    with desk.database.begin() as connection:
        connection.execute(text(rename.format("away", "cursors")))
    assert desk.alerts() == []
    desk.evaluator.commit()
    assert desk.alerts() == [("test.damp", 1, None)]
    assert cursor(desk) == ("j1", 2)


def test_what_is_known_now_is_shown_later_if_the_registry_did_not_answer(desk):
    rename = "ALTER TABLE {} RENAME TO {}"
    desk.says((0, 50))
    with desk.database.begin() as connection:
        connection.execute(text(rename.format("lot_now", "away")))
    with pytest.raises((OperationalError, ProgrammingError)):
        desk.settle()
    with desk.database.begin() as connection:
        connection.execute(text(rename.format("away", "lot_now")))
    desk.settle()
    assert desk.now().at == at(0)


def test_a_lot_that_cannot_be_folded_does_not_stop_the_others(desk, monkeypatch):
    """L1's fold fails, at first from the batch and then from the store; L2's goes on."""
    desk.put("tags", id="T2")
    desk.lot("L2")
    desk.put("bindings", tag="T2", lot="L2", begins=written(at(-1)))
    desk.says((0, 90))
    desk.settle()
    engine = desk.evaluator.engine
    real = engine._fold

    def fails(part, states):
        if engine.table.rows[KEY] in part.rows:
            raise ZeroDivisionError
        return real(part, states)

    monkeypatch.setattr(engine, "_fold", fails)
    desk.says((1, 50))
    desk.says((1, 90), tag="T2")
    desk.settle(3)
    assert [row.lot for row in desk.rows()] == ["L1", "L2"]
    assert desk.now().status == "unknown"
    assert cursor(desk) == ("j1", 3)
    monkeypatch.undo()
    desk.says((2, 50))
    desk.settle()
    assert desk.alerts() == [("test.damp", 0, 1), ("test.damp", 1, None)]
    assert desk.evaluator.engine.blind == set()


# Restarts.


def test_after_a_restart_it_goes_on_from_the_snapshot(desk):
    """Damp at 1 h, told; snapshot; damp still at 2 h; killed; dry at 3 h."""
    desk.says((0, 50), (1, 90))
    desk.settle()
    desk.evaluator.save()
    desk.says((2, 90))
    desk.start()
    assert desk.followed_from == 1
    desk.says((3, 50))
    assert desk.alerts() == [("test.damp", 1, 3)]
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 3)]


def test_what_was_written_already_is_folded_silently(desk):
    """Snapshot at 0 h; damp at 1 h and dry at 2 h, both told; killed, and folded again."""
    desk.says((0, 50))
    desk.settle()
    desk.evaluator.save()
    desk.says((1, 90))
    desk.says((2, 50))
    before = desk.outbox(), [(row.id, row.revised) for row in desk.rows()]
    desk.start()
    assert desk.followed_from == 1
    assert desk.evaluator.offset == 3
    assert (desk.outbox(), [(row.id, row.revised) for row in desk.rows()]) == before
    desk.says((3, 90))
    assert desk.alerts() == [("test.damp", 1, 2), ("test.damp", 3, None)]


def test_a_crash_before_the_commit_loses_nothing(desk):
    """Killed between the fold and the commit of the reading of 1 h."""
    desk.says((0, 50))
    desk.settle()
    desk.evaluator.save()
    desk.evaluator.commit = lambda: None
    desk.says((1, 90))
    assert desk.alerts() == []
    desk.start()
    assert desk.alerts() == [("test.damp", 1, None)]
    assert desk.told() == [("alert.opened", 1)]


def test_without_a_snapshot_lots_are_folded_from_the_store(desk):
    """Damp at 1 h, told. The journal has let go of it, the snapshot is lost; dry at 3 h."""
    desk.says((0, 50), (1, 90))
    desk.settle()
    desk.evaluator.save()
    (desk.folder / "rules.snapshot").unlink()
    desk.start(start=1)
    desk.says((2, 90))
    assert desk.alerts() == [("test.damp", 1, None)]
    desk.says((3, 50))
    assert desk.alerts() == [("test.damp", 1, None)]  # blind still: it says nothing
    desk.settle()
    assert desk.alerts() == [("test.damp", 1, 3)]
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 3)]


def test_without_a_snapshot_overlays_count_as_before(desk):
    """95 %RH are too damp for L1, 80 for other lots; the snapshot is lost."""
    overlay = "limits:\n  damp: {value: 80, unit: '%', about: test}\noverlays:\n"
    overlay += "- {for: {tenant: acme, lot: L1}, limits: {damp: 95}}\nrules:"
    limited = PACK.replace("humidity > 80", "humidity > damp").replace("rules:", overlay)
    rules = parse({"test.yaml": limited})
    desk.start(rules=rules)
    desk.settle()
    desk.says((0, 50), (1, 90))
    (desk.folder / "rules.snapshot").unlink(missing_ok=True)
    desk.start(rules=rules, start=1)
    desk.settle()
    desk.says((2, 90), (3, 96))
    assert desk.evaluator.engine.blind == set()
    assert desk.alerts() == [("test.damp", 3, None)]


def test_a_blind_lot_is_shown_as_unknown(desk):
    desk.says((0, 50), (1, 90))
    desk.settle()
    assert desk.now().status == "at_risk"
    (desk.folder / "rules.snapshot").unlink(missing_ok=True)
    desk.start(start=1)
    desk.store.cut = True
    desk.says((2, 90), stored=False)
    desk.settle()
    assert desk.now().status == "unknown"
    desk.store.cut = False
    desk.store.write(desk.journal[-1])
    desk.settle()
    assert desk.now().status == "at_risk"


def test_a_silence_ends_though_the_snapshot_that_knew_of_it_is_lost(desk):
    """Silent from 6 h on, told; the snapshot is lost; heard at 9 h, before it is folded again."""
    desk.ticks(-1, 0)
    desk.says((0, 50))
    desk.ticks(0.5, 8)
    assert desk.alerts() == [("test.quiet", 6, None)]
    desk.start(start=len(desk.journal))
    desk.ticks(8.5, 8.5)
    desk.says((9, 50))
    desk.settle()
    assert desk.alerts() == [("test.quiet", 6, 9)]
    assert desk.told() == [("alert.opened", 6), ("alert.cleared", 9)]


def test_a_silence_goes_on_though_the_snapshot_that_knew_of_it_is_lost(desk):
    desk.ticks(-1, 0)
    desk.says((0, 50))
    desk.ticks(0.5, 8)
    desk.start(start=len(desk.journal))
    desk.settle()
    desk.ticks(8.5, 30)
    assert desk.alerts() == [("test.quiet", 6, None)]
    assert desk.told() == [("alert.opened", 6)]
    assert desk.now().status == "unknown"
    assert desk.now().why == "test.quiet"


def test_a_silence_of_the_record_is_known_after_a_restart_under_other_facts(desk):
    """Silent from 6 h on, told; its tag measures every ten hours, as somebody corrects; killed.

    From the snapshot on the journal is read under what is known now, by which it is not silent.
    """
    desk.ticks(-1, 0)
    desk.says((0, 50))
    desk.evaluator.save()
    desk.ticks(0.5, 8)
    assert desk.alerts() == [("test.quiet", 6, None)]
    desk.put("tags", id="T1", interval_s=36_000)
    desk.start()
    assert desk.followed_from < len(desk.journal)
    desk.ticks(8.5, 9)
    desk.says((10, 50))
    assert desk.alerts() == [("test.quiet", 6, 10)]
    desk.ticks(10.5, 60)
    assert desk.alerts() == [("test.quiet", 6, 10), ("test.quiet", 50, None)]


def test_a_silence_that_was_none_by_the_record_is_told_after_a_restart_under_other_facts(desk):
    """The other way round: by what is known now it was silent long ago, and nobody was told."""
    desk.put("tags", id="T1", interval_s=36_000)
    desk.settle()
    desk.ticks(-1, 0)
    desk.says((0, 50))
    desk.evaluator.save()
    desk.ticks(0.5, 8)
    desk.put("tags", id="T1", interval_s=3600)
    desk.start()
    desk.ticks(8.5, 9)
    assert desk.alerts() == [("test.quiet", 6, None)]
    assert desk.told() == [("alert.opened", 6)]


def test_a_lot_that_the_snapshot_does_not_know_is_silent_until_it_is_folded(desk):
    """L2 is registered after the snapshot and damp since 1 h, told from the store; killed.

    The journal has its readings no more, and the next one comes before it is folded again.
    """
    desk.says((0, 50))
    desk.put("tags", id="T2")
    desk.says((1, 90), tag="T2")  # before it is bound: only the store knows it
    desk.settle()
    desk.evaluator.save()
    desk.lot("L2")
    desk.put("bindings", tag="T2", lot="L2", begins=written(at(-1)))
    desk.settle()
    assert desk.alerts() == [("test.damp", 1, None)]
    with registry.writing(desk.database) as session:
        for row in session.scalars(select(Refold)):
            session.delete(row)  # as if another snapshot, which is lost, had covered it
    desk.start()
    desk.says((2, 90), tag="T2")
    assert desk.alerts() == [("test.damp", 1, None)]
    desk.settle()
    assert desk.alerts() == [("test.damp", 1, None)]
    assert desk.told() == [("alert.opened", 1)]


def test_a_lot_that_was_deleted_while_we_were_away_is_forgotten(desk):
    desk.says((0, 50), (1, 90))
    desk.settle()
    desk.evaluator.save()
    desk.remove("bindings", f"T1@{written(at(-100))}")
    desk.remove("moves", f"L1@{written(at(-100))}")
    desk.remove("lots", "L1")
    desk.start()
    assert desk.evaluator.engine.heard() == set()


def test_a_registry_that_is_older_than_the_snapshot_gets_what_it_lacks(desk):
    """The registry comes back from a backup of 0 h: the alert of 1 h and its offset are gone."""
    desk.says((0, 50))
    backup = cursor(desk)
    desk.says((1, 90))
    desk.settle()
    desk.evaluator.save()
    with registry.writing(desk.database) as session:
        session.execute(text("delete from outbox"))
        session.execute(text("delete from alerts"))
        session.merge(Cursor(name=CURSOR, journal=backup[0], offset=backup[1]))
    desk.start()
    desk.settle()
    assert desk.alerts() == [("test.damp", 1, None)]
    assert desk.told() == [("alert.opened", 1)]


def test_another_journal_is_refused_with_the_remedy(desk):
    desk.says((0, 50))
    with pytest.raises(CursorMismatch, match="dunnage worker --new-journal"):
        desk.start(journal="j2")


def test_a_journal_that_ends_before_what_was_written_is_refused_with_the_remedy(desk):
    """It was restored without the registry: what comes now would be taken for told already."""
    desk.says((0, 50))
    desk.says((1, 50))
    with pytest.raises(CursorMismatch, match=r"ends at 1.*dunnage worker --new-journal"):
        desk.evaluator.restore(JOURNAL, 0, 1)
    desk.evaluator.restore(JOURNAL, 0, 2)


def test_names_are_of_any_script(desk):
    """A lot of a name in two scripts: late data, a snapshot, a restart."""
    name = "Ballen Ä-羊毛 №7"
    desk.put("tags", id="Fühler-é")
    desk.lot(name)
    desk.put("bindings", tag="Fühler-é", lot=name, begins=written(at(-1)))
    desk.settle()
    desk.says(*((hour, 50) for hour in range(21) if hour != 4), tag="Fühler-é")
    desk.says((4, 90), tag="Fühler-é")
    desk.settle()
    desk.evaluator.save()
    desk.start()
    desk.says((21, 90), tag="Fühler-é")
    found = [
        (row.lot, hours(row.opened), row.cleared and hours(row.cleared)) for row in desk.rows()
    ]
    assert found == [(name, 4, 5), (name, 21, None)]


def test_a_lot_that_is_deleted_while_it_waits_to_be_folded_is_forgotten(desk):
    desk.says(*((hour, 50) for hour in range(21) if hour != 4))
    desk.says((4, 90))
    desk.settle(1)
    assert desk.evaluator.engine.dirty == {KEY: at(4)}
    desk.remove("bindings", f"T1@{written(at(-100))}")
    desk.remove("moves", f"L1@{written(at(-100))}")
    desk.remove("lots", "L1")
    desk.settle()
    assert desk.evaluator.engine.dirty == {}
    desk.evaluator.save()
    desk.start()
    assert desk.evaluator.engine.heard() == set()


def test_a_batch_of_nothing_changes_nothing(desk):
    desk.says((0, 50))
    desk.journal.append(desk.journal[0].take(slice(0, 0)))
    desk._take(1)
    assert desk.evaluator.offset == 2
    assert desk.evaluator.engine.known([KEY])[0].newest == at(0)


def test_a_customers_new_limits_count_for_the_past_too(desk):
    """18 °C all the time; the contract says 25 °C at first, and then that it was 15."""
    desk.put("parties", id="P1", name="P", temperature_max=25.0)
    desk.lot("L1", customer="P1")
    desk.start(rules=load())
    desk.settle()
    desk.says((0, 50), (1, 50), (2, 50))
    assert desk.alerts() == []
    desk.put("parties", id="P1", name="P", temperature_max=15.0)
    desk.settle()
    assert desk.alerts() == [("customer.temperature", 1, None)]


def test_a_new_journal_that_was_adopted_begins_from_the_store(desk):
    desk.says((0, 50), (1, 90))
    desk.settle()
    desk.evaluator.save()
    with registry.writing(desk.database) as session:
        adopt_journal(session, "j2", 0)
    desk.journal.clear()
    desk.start(journal="j2")
    desk.says((2, 90))
    desk.settle()
    desk.says((3, 50))
    assert desk.alerts() == [("test.damp", 1, 3)]
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 3)]


def test_changed_packs_fold_every_lot_again(desk):
    """Damp at 1 h by 90 %RH; the new pack wants more than 95."""
    desk.says((0, 50), (1, 90), (2, 96), (3, 50))
    desk.settle()
    desk.evaluator.save()
    desk.start(rules=parse({"test.yaml": PACK.replace("humidity > 80", "humidity > 95")}))
    desk.settle()
    assert desk.alerts() == [("test.damp", 2, 3)]


def test_a_snapshot_that_cannot_be_written_does_not_end_the_work(desk):
    desk.says((0, 50))
    (desk.folder / "rules.partial").unlink()
    (desk.folder / "rules.partial").mkdir()
    desk.evaluator.save()
    assert desk.evaluator.saved == 0
    desk.says((1, 90))
    assert desk.alerts() == [("test.damp", 1, None)]
    (desk.folder / "rules.partial").rmdir()
    desk.evaluator.save()
    assert desk.evaluator.saved == 2


def test_a_brief_snapshot_lets_the_journal_go_and_costs_a_fold(desk):
    """Silent from 6 h, damp at 9 h, told. The state is too long for the disk; dry at 11 h."""
    desk.ticks(-1, 0)
    desk.says((0, 50))
    desk.ticks(0.5, 8)
    desk.says((9, 90))
    desk.settle()
    before = desk.alerts()
    fitting = snapshot.save

    def too_long(*arguments, brief):
        if not brief:
            raise OSError(errno.ENOSPC, "No space left on device")
        fitting(*arguments, brief=brief)

    with patch.object(snapshot, "save", too_long):
        desk.evaluator.save()
        assert desk.evaluator.saved == 0
        desk.evaluator.save(pressed=True)
    assert desk.evaluator.saved == len(desk.journal)
    desk.start(start=len(desk.journal))
    assert desk.evaluator.engine.blind
    desk.says((10, 90))
    desk.settle()
    assert desk.alerts() == before
    desk.says((11, 50))
    assert desk.told() == [
        ("alert.opened", 6),
        ("alert.cleared", 9),
        ("alert.opened", 9),
        ("alert.cleared", 11),
    ]


def test_a_lot_that_is_silent_is_folded_again_after_a_brief_snapshot_too(desk):
    """Damp from 0 h on, and since 6 h nothing more was heard of it."""
    desk.ticks(-1, 0)
    desk.says((0, 90), (1, 90))
    desk.ticks(1.5, 8)
    desk.settle()
    before = desk.alerts()
    assert len(before) == 2
    desk.evaluator.save()
    engine, offset = desk.evaluator.engine, desk.evaluator.offset
    path = desk.folder / "rules.snapshot"
    snapshot.save(path, engine, desk.evaluator._journal, offset, brief=True)
    desk.start(start=len(desk.journal))
    assert desk.evaluator.engine.blind
    desk.settle()
    desk.settle()
    assert not desk.evaluator.engine.blind
    desk.says((9, 91))
    assert [alert[:2] for alert in desk.alerts()] == [alert[:2] for alert in before]
    assert ("test.damp", before[0][1], None) in desk.alerts()


def test_a_request_to_fold_again_is_kept_until_a_snapshot_covers_it(desk):
    desk.says((0, 50))
    desk.settle()
    desk.evaluator.save()
    assert refolds(desk) == 0
    desk.move("L1", 0.5, "box")
    assert refolds(desk) == 1
    desk.settle()
    assert refolds(desk) == 1
    desk.start()
    desk.settle()
    assert desk.evaluator.engine.dirty == {}
    desk.evaluator.save()
    assert refolds(desk) == 0


# What is known now.


def test_a_tag_on_the_metal_alone_is_enough(desk):
    desk.remove("bindings", f"T1@{written(at(-100))}")
    binding = {"tag": "T1", "lot": "L1", "placement": "surface", "begins": written(at(-100))}
    desk.put("bindings", **binding)
    desk.start(rules=load())
    desk.settle()
    desk.says(*((hour, 50) for hour in range(30)))
    desk.settle()
    assert desk.now().status == "ok"
    desk.says((30, 99), (31, 99))
    desk.settle()
    assert desk.now().status == "at_risk"
    assert "lead.sweat" in desk.now().why.split(", ")


def test_lead_is_ok_once_its_surface_has_settled(desk):
    """Three time constants of 4.3 h."""
    desk.says(*((hour, 50) for hour in range(12)))
    desk.settle()
    assert desk.now().status == "unknown"
    desk.says((12, 50), (13, 50))
    desk.settle()
    assert desk.now().status == "ok"
    assert desk.now().at == at(13)
    desk.says((14, 90))
    desk.settle()
    assert (desk.now().status, desk.now().why) == ("at_risk", "test.damp")


def test_a_silent_lot_is_unknown(desk):
    desk.ticks(-1, 0)
    desk.says(*((hour / 2, 50) for hour in range(30)))
    desk.settle()
    assert desk.now().status == "ok"
    desk.ticks(15, 24)
    desk.settle()
    assert (desk.now().status, desk.now().why) == ("unknown", "test.quiet")


def test_a_lot_that_no_tag_speaks_for_any_more_is_unknown(desk):
    """Ok at 14 h; its tag is taken off at 15 h, and nobody may go on saying ok."""
    desk.says(*((hour / 2, 50) for hour in range(29)))
    desk.settle()
    assert desk.now().status == "ok"
    desk.put("bindings", tag="T1", lot="L1", begins=written(at(-100)), ends=written(at(15)))
    desk.clock.hour = 16
    desk.settle()
    assert (desk.now().status, desk.now().why) == ("unknown", "no tag speaks for it now")


def test_what_is_known_of_very_many_lots_is_written_bit_by_bit(desk, monkeypatch):
    """Five lots in the box with a tag; two are shown at a settling."""
    desk.put("tags", id="T2")
    desk.put("bindings", tag="T2", place="box", begins=written(at(-10)))
    names = [f"M{number}" for number in range(5)]
    for name in names:
        desk.lot(name)
        desk.move(name, -10, "box")
    desk.settle(8)
    asked = []
    event.listen(desk.database, "before_cursor_execute", lambda *said: asked.append(said[2]))
    monkeypatch.setattr("rules.evaluator.SHOWN", 2)
    for hour in (1, 2):
        desk.says((hour, 50), tag="T2")
        desk.settle(1)
    shown = [desk.now(name).at for name in names]
    assert sorted(shown) == [0, at(1), at(1), at(2), at(2)]
    desk.settle(2)
    assert [desk.now(name).at for name in names] == [at(2)] * 5
    assert sum("lot_now" in statement for statement in asked if "INSERT" in statement) == 4


def test_on_a_leg_without_a_network_silence_is_normal(desk):
    """Offline from 1 h to 50 h: silent from 56 h on, six hours after it could be heard again."""
    leg = {"number": 1, "mode": "sea", "offline": True, "place": "box"}
    leg |= {"departs": written(at(1)), "arrives": written(at(50))}
    desk.put("shipments", id="S1", lots=["L1"], legs=[leg])
    desk.settle()
    desk.ticks(-1, 0)
    desk.says((0, 50))
    desk.ticks(1, 55)
    assert desk.alerts() == []
    desk.ticks(55, 60)
    assert desk.alerts() == [("test.quiet", 56, None)]


def test_a_keep_alive_is_no_reading(desk):
    """Only the battery's voltage since 0 h: the lot is silent."""
    desk.ticks(-1, 0)
    desk.says((0, 50))
    for hour in range(1, 9):
        nothing = {"battery": np.array([3.0])}
        desk.journal.append(of_tag(TagKey(TENANT, "T1"), [at(hour)], nothing))
        desk._take(len(desk.journal) - 1)
        desk.ticks(hour, hour)
    assert desk.alerts() == [("test.quiet", 6, None)]


def test_a_doubtful_reading_is_not_believed(desk):
    desk.says((0, 50))
    flags = np.array([32])  # humidity out of range
    wrong = of_tag(
        TagKey(TENANT, "T1"), [at(1)], {"temperature": [20.0], "humidity": [140.0]}, flags=flags
    )
    desk.journal.append(wrong)
    desk._take(1)
    assert desk.alerts() == []
    assert desk.evaluator.engine.known([KEY])[0].newest == at(0)


def test_a_lot_of_another_tenant_is_not_touched(desk):
    with registry.writing(desk.database) as session:
        registry.create_tenant(session, "rival", "Rival")
    batch = of_tag(TagKey("rival", "T1"), [at(0)], {"temperature": [20.0], "humidity": [90.0]})
    desk.settle()
    desk.journal.append(batch)
    desk._take(0)
    assert desk.rows() == []
    assert desk.evaluator.engine.heard() == {KEY}


def test_limits_are_the_customers(desk):
    desk.put("parties", id="P1", name="P", temperature_max=15.0)
    desk.lot("L1", customer="P1")
    desk.start(rules=load())
    desk.settle()
    desk.says((0, 50), (1, 50))
    assert [row.rule for row in desk.rows()] == ["customer.temperature"]
    assert desk.rows()[0].numbers["limit_temperature_max"] == 15.0
    assert math.isfinite(desk.rows()[0].numbers["temperature"])
