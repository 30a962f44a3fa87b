"""Alerts and messages in the registry, on SQLite and PostgreSQL."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, select

from lots import registry
from lots.climate import LotKey, tag_number
from lots.clock import HOUR_MS
from lots.fields import written
from lots.model import Outgoing
from lots.readings.batch import TagKey
from lots.terms import FORMS, HoldKind
from rules.alerts import FRESH_MS
from rules.evaluator import REWORD_EVERY
from rules.knowledge import HANDS_ON, PLACE_UNKNOWN, READ_THE_LABEL
from rules.ledger import Ledger, without_gone
from rules.pack import load, parse
from rules.state import Change, Transition
from tests.rules.desk import BOTH, RULES, TENANT
from tests.rules.timeline import KEY, at, rule


def opens(hour, rule="test.damp"):
    return Transition(rule, 1, at(hour), {"humidity": 90.0})


def clears(hour, rule="test.damp"):
    return Transition(rule, 0, at(hour), {"humidity": 50.0})


def change(*transitions, since=0.0, **more):
    return Change(KEY, at(since), {}, list(transitions), **more)


def write(desk, *changes, now=None):
    """Write changes in a transaction, at ``now`` (hours); returns how many alerts changed."""
    with registry.writing(desk.database) as session:
        return Ledger(RULES, BOTH).write(session, changes, at(100 if now is None else now))


def test_an_alert_is_opened_once_though_it_is_written_twice(desk):
    assert write(desk, change(opens(1))) == 1
    assert write(desk, change(opens(1))) == 0
    assert desk.alerts() == [("test.damp", 1, None)]
    assert desk.told() == [("alert.opened", 1)]


def test_an_alert_carries_what_made_it_so_and_what_to_do(desk):
    write(desk, change(opens(1)))
    (row,) = desk.rows()
    assert row.title == "L1 is damp: 90 %RH"
    assert row.action == "Open the doors of L1 and enter, ventilate, unwrap it: 90 %RH."
    assert row.severity == "critical"
    assert row.numbers == {"humidity": 90.0}
    assert row.revised is False


def test_it_is_cleared_and_told_so(desk):
    write(desk, change(opens(1)))
    assert write(desk, change(opens(1), clears(3))) == 1
    assert write(desk, change(opens(1), clears(3))) == 0
    assert desk.alerts() == [("test.damp", 1, 3)]
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 3)]
    assert desk.rows()[0].revised is False


def test_one_that_begins_and_ends_at_once_is_told_whole(desk):
    write(desk, change(opens(1), clears(3), opens(5)), now=5)
    assert desk.alerts() == [("test.damp", 1, 3), ("test.damp", 5, None)]
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 3), ("alert.opened", 5)]


def test_one_that_was_over_long_before_it_was_heard_of_is_recorded_and_told_to_nobody(desk):
    """A tag comes back after days without a network; what lasts is news all the same."""
    write(desk, change(opens(1), clears(3), opens(5)), now=3 + FRESH_MS / HOUR_MS + 0.1)
    assert desk.alerts() == [("test.damp", 1, 3), ("test.damp", 5, None)]
    assert desk.told() == [("alert.opened", 5)]
    assert not any(row.revised for row in desk.rows())


def test_one_that_was_over_long_before_is_told_if_it_left_something_to_act_on(desk):
    left = change(opens(1), clears(3), newest=at(8), left=frozenset({"test.damp"}))
    write(desk, left, now=9)
    assert desk.told() == [("alert.opened", 1), ("alert.cleared", 3)]


def test_of_several_that_left_something_to_act_on_the_last_is_told(desk):
    course = [opens(1), clears(3), opens(5), clears(6)]
    late = change(*course, known_to=at(7), newest=at(7), left=frozenset({"test.damp"}))
    write(desk, late, now=8)
    assert desk.alerts() == [("test.damp", 1, 3), ("test.damp", 5, 6)]
    assert desk.told() == [("alert.opened", 5), ("alert.cleared", 6)]


def test_one_that_never_was_is_withdrawn(desk):
    write(desk, change(opens(1)))
    assert write(desk, change(), now=7) == 1
    assert desk.alerts() == []
    (row,) = desk.rows()
    assert (row.withdrawn, row.revised) == (at(7), True)
    assert desk.told() == [("alert.opened", 1), ("alert.withdrawn", 7)]
    assert write(desk, change(), now=8) == 0


def test_one_that_was_after_all_is_restored(desk):
    write(desk, change(opens(1)))
    write(desk, change())
    assert write(desk, change(opens(1), clears(3))) == 1
    assert desk.alerts() == [("test.damp", 1, 3)]
    assert desk.rows()[0].revised is True


def test_one_that_goes_on_after_all_is_open_again(desk):
    write(desk, change(opens(1), clears(3)))
    write(desk, change(opens(1)))
    assert desk.alerts() == [("test.damp", 1, None)]


def test_one_that_takes_the_place_of_another_may_be_open_while_that_is_withdrawn(desk):
    """The registry allows one open alert of a lot and rule: what ends goes first."""
    write(desk, change(opens(5)))
    write(desk, change(opens(1)))
    assert desk.alerts() == [("test.damp", 1, None)]
    write(desk, change(opens(1), clears(2), opens(7)))
    assert desk.alerts() == [("test.damp", 1, 2), ("test.damp", 7, None)]
    write(desk, change(opens(5)))
    assert desk.alerts() == [("test.damp", 5, None)]


def test_another_end_is_a_revision(desk):
    write(desk, change(opens(1), clears(3)))
    write(desk, change(opens(1), clears(4)))
    assert desk.alerts() == [("test.damp", 1, 4)]
    assert desk.rows()[0].revised is True


def test_a_past_episode_that_only_came_to_light_is_recorded_and_told_to_nobody(desk):
    late = change(opens(1), clears(3), opens(5), known_to=at(6), newest=at(6))
    write(desk, late, now=7)
    assert desk.alerts() == [("test.damp", 1, 3), ("test.damp", 5, None)]
    assert desk.told() == [("alert.opened", 5)]
    assert all(row.revised for row in desk.rows())


def test_a_change_that_is_sure_of_an_episode_which_the_record_ended_long_before(desk):
    """However the record came to differ, it follows the fold: nothing that comes after waits."""
    write(desk, change(opens(1), clears(3)))
    later = Change(KEY, at(10), {"test.damp": (at(1),)}, [clears(12)])
    write(desk, later)
    assert desk.alerts() == [("test.damp", 1, 12)]


def test_silence_and_levels_do_not_speak_for_each_other(desk):
    write(desk, change(opens(1)))
    write(desk, change(opens(6, "test.quiet"), silence=True))
    write(desk, change(opens(1), since=0))
    assert desk.alerts() == [("test.damp", 1, None), ("test.quiet", 6, None)]
    write(desk, change(clears(8, "test.quiet"), since=8, silence=True))
    # A change speaks of a silence only if it knows of it: this one never heard that it began.
    assert desk.alerts() == [("test.damp", 1, None)]


def test_lots_and_tenants_do_not_speak_for_each_other(desk):
    desk.lot("L2")
    write(desk, change(opens(1)), replace(change(opens(2)), key=LotKey(TENANT, "L2")))
    write(desk, replace(change(), key=LotKey(TENANT, "L2")))
    assert desk.alerts() == [("test.damp", 1, None)]


def test_a_rule_that_is_gone_leaves_the_record(desk):
    write(desk, change(opens(1)))
    later = Change(KEY, at(5), {"other.rule": (at(2),)}, [opens(6, "gone.rule")])
    write(desk, later)
    assert desk.alerts() == []


def test_each_recipient_gets_each_message_once_under_an_id_of_its_own(desk):
    for _ in range(3):
        write(desk, change(opens(1), clears(3)), now=3)
    with registry.reading(desk.database) as session:
        messages = session.scalars(select(Outgoing)).all()
    assert len(messages) == len({m.id for m in messages}) == 4
    assert {(m.recipient, m.payload["type"]) for m in messages} == {
        (to.address, event) for to in BOTH for event in ("alert.opened", "alert.cleared")
    }
    opened = next(m for m in messages if m.payload["type"] == "alert.opened")
    assert opened.payload["timestamp"] == written(at(1))
    assert opened.payload["data"]["lot"] == "L1"
    assert opened.payload["data"]["action"].startswith("Open the doors of L1")
    assert opened.tenant == TENANT
    assert (opened.attempts, opened.sent) == (0, None)


def test_the_ids_are_the_same_whenever_it_is_written(desk):
    write(desk, change(opens(1), clears(3)))
    with registry.writing(desk.database) as session:
        first = {m.id: m.payload["type"] for m in session.scalars(select(Outgoing))}
        for row in session.scalars(select(Outgoing)):
            session.delete(row)
    for row in desk.rows():
        with registry.writing(desk.database) as session:
            session.delete(session.merge(row))
    write(desk, change(opens(1), clears(3)), now=500)
    with registry.reading(desk.database) as session:
        assert {m.id: m.payload["type"] for m in session.scalars(select(Outgoing))} == first


# Holds come first.


def actions(desk):
    """What the open alerts and the messages of an opening say is to be done."""
    with registry.reading(desk.database) as session:
        messages = session.scalars(select(Outgoing)).all()
    told = [m.payload["data"]["action"] for m in messages if m.payload["type"] == "alert.opened"]
    return [row.action for row in desk.rows()] + told


def test_in_a_fumigated_container_nobody_is_told_to_open_anything(desk):
    """Stuffed at 0 h, fumigated at 0.5 h; damp and silent from 1 h on."""
    desk.move("L1", 0, "box")
    desk.hold("fumigated", 0.5, place="box", lifted_by="Port Fumigation Ltd")
    write(desk, change(opens(1)), change(opens(6, "test.quiet"), silence=True))
    found = actions(desk)
    assert len(found) == 6
    for action in found:
        assert not HANDS_ON.search(action)
        assert (
            "Leave it closed and untouched: it is held (fumigated, no gas-free certificate)"
            in action
        )
        assert "Port Fumigation Ltd lifts the hold" in action
    assert not any(HANDS_ON.search(row.title) for row in desk.rows())


@pytest.mark.parametrize("on", ["lot", "place", "shipment"])
def test_a_hold_counts_whatever_it_is_on(desk, on):
    desk.put("shipments", id="S1", lots=["L1"])
    desk.hold("quarantine", 0, **{on: {"lot": "L1", "place": "bay", "shipment": "S1"}[on]})
    write(desk, change(opens(1)))
    assert not HANDS_ON.search(desk.rows()[0].action)


@pytest.mark.parametrize("kind", ["seal", "quarantine", "on_warrant"])
def test_a_hold_that_was_lifted_holds_no_longer(desk, kind):
    desk.hold(kind, 0, 5, lot="L1")
    write(desk, change(opens(6)), now=6)
    assert desk.rows()[0].action.startswith("Open the doors")


@pytest.mark.parametrize("on", ["lot", "place", "shipment"])
def test_a_fumigation_is_over_when_a_certificate_says_so_and_then_its_box_is_known(desk, on):
    """Stuffed at 0 h, fumigated from 1 h to, as planned, 5 h; the certificate comes at 7 h."""
    desk.move("L1", 0, "box")
    desk.put("shipments", id="S1", lots=["L1"])
    subject = {on: {"lot": "L1", "place": "box", "shipment": "S1"}[on]}
    desk.hold("fumigated", 1, 5, id="H1", **subject)
    write(desk, change(opens(6)), now=6)
    assert "held (fumigated, no gas-free certificate)" in desk.rows()[0].action
    desk.hold("fumigated", 1, 7, id="H1", certificate="F-3321", **subject)
    with registry.writing(desk.database) as session:
        assert Ledger(RULES, BOTH).reword(session, at(8)) == 1
    assert desk.rows()[0].action.startswith("Open the doors")


def test_a_certificate_is_of_what_was_in_the_box_then(desk):
    """Certified at 5 h; stuffed anew at 8 h: nothing is known of gas in it."""
    desk.hold("fumigated", 1, 5, place="box", certificate="F-3321")
    desk.move("L1", 8, "box")
    write(desk, change(opens(9)), now=9)
    assert desk.rows()[0].action == READ_THE_LABEL


def test_a_lot_that_nobody_knows_the_place_of_may_be_in_a_box(desk):
    desk.lot("L2")
    write(desk, replace(change(opens(1)), key=LotKey(TENANT, "L2")))
    (row,) = desk.rows()
    assert row.action == PLACE_UNKNOWN


GOODS = [(commodity, form) for commodity, forms in FORMS.items() for form in forms]


@pytest.mark.parametrize("kind", HoldKind)
def test_what_is_sent_of_every_shipped_rule_leaves_a_held_lot_alone(desk, kind):
    rules = load()
    for commodity, form in GOODS:
        desk.lot(form, commodity=commodity, form=form)
        desk.hold(kind, 0, lot=form, lifted_by="Port Authority")
    with registry.writing(desk.database) as session:
        ledger = Ledger(rules, BOTH)
        for commodity, form in GOODS:
            own = rules.of(commodity, form)
            silences = [opens(2, r.name) for r in own if r.silence]
            levels = [r.name for r in own if r.levels]
            told = change(*(each for name in levels for each in (opens(1, name), clears(3, name))))
            quiet = change(*silences, silence=True)
            changes = [replace(each, key=LotKey(TENANT, form)) for each in (told, quiet)]
            ledger.write(session, changes, at(4))
    with registry.reading(desk.database) as session:
        sent = [message.payload["data"] for message in session.scalars(select(Outgoing))]
    assert {data["rule"] for data in sent} == {rule.name for rule in rules.rules}
    for data in sent:
        assert not HANDS_ON.search(f"{data['title']} {data['action']}")
        assert "Port Authority lifts the hold" in data["action"]


def test_the_words_of_an_alert_about_a_tag_name_it(desk):
    number = float(tag_number(TagKey(TENANT, "T1")))
    ledger = Ledger(load(), BOTH)
    stands = Transition("sensor.stuck", 1, at(1), {"stuck_tag": number})
    with registry.writing(desk.database) as session:
        ledger.write(session, [change(stands)], at(2))
    (row,) = desk.rows()
    assert row.title == "Tag T1 of L1 says the same again and again"
    assert "What T1 says is not believed" in row.action
    desk.hold("fumigated", 3, lot="L1", lifted_by="Port Fumigation Ltd")
    with registry.writing(desk.database) as session:
        assert ledger.reword(session, at(4)) == 1
    (row,) = desk.rows()
    assert "it is held (fumigated" in row.action
    assert "What T1 says is not believed" in row.action


def test_of_rules_of_one_name_the_one_for_the_goods_has_the_words(desk):
    parts = [
        f"pack: {form}\napplies_to: {{commodity: wool, form: {form}}}\nrules:\n"
        f"  test.damp: {{title: t, severity: warning, action: '{form} it is', based_on: b,"
        " when: humidity > 80,"
        " clear: humidity < 70}\n"
        for form in ("tops", "greasy")
    ]
    ledger = Ledger(parse(dict(zip(("a.yaml", "b.yaml"), parts, strict=True))), BOTH)
    for form in ("tops", "greasy"):
        desk.lot(form, commodity="wool", form=form)
        desk.move(form, -1, "bay")
        with registry.writing(desk.database) as session:
            ledger.write(session, [replace(change(opens(1)), key=LotKey(TENANT, form))], at(2))
    assert {row.lot: row.action for row in desk.rows()} == {
        "tops": "tops it is", "greasy": "greasy it is"
    }  # fmt: skip


def test_a_hold_that_began_after_the_trouble_and_before_it_came_to_light_counts(desk):
    """Damp from 1 h on, fumigated at 5 h; the readings come at 8 h."""
    desk.hold("fumigated", 5, lot="L1", lifted_by="Port Fumigation Ltd")
    write(desk, change(opens(1)), now=8)
    assert not HANDS_ON.search(desk.rows()[0].action)


def test_a_hold_that_came_later_changes_what_the_next_message_says(desk):
    """Damp from 1 h on, told; fumigated at 5 h; dry at 9 h, told."""
    write(desk, change(opens(1)), now=1)
    assert HANDS_ON.search(desk.rows()[0].action)
    desk.hold("fumigated", 5, lot="L1", lifted_by="Port Fumigation Ltd")
    write(desk, change(opens(1), clears(9)), now=9)
    assert not HANDS_ON.search(desk.rows()[0].action)
    with registry.reading(desk.database) as session:
        for message in session.scalars(select(Outgoing)):
            if message.payload["type"] == "alert.cleared":
                assert not HANDS_ON.search(message.payload["data"]["action"])


def texts(desk):
    """What the messages say to do, those first that wait."""
    with registry.reading(desk.database) as session:
        found = session.scalars(select(Outgoing).order_by(Outgoing.sent.is_(None).desc()))
        return [message.payload["data"]["action"] for message in found]


@pytest.mark.parametrize("over", [False, True], ids=["open", "over"])
def test_a_message_that_nobody_took_yet_follows_the_holds(desk, over):
    """Told at 1 h to a receiver that is away; fumigated at 5 h, while it is still tried."""
    write(desk, change(opens(1), *([clears(3)] if over else [])), now=3)
    first, *_ = texts(desk)
    desk.hold("fumigated", 5, lot="L1", lifted_by="Port Fumigation Ltd")
    desk.clock.hour = 6
    desk.start()
    desk.settle(REWORD_EVERY)
    assert HANDS_ON.search(first)
    assert not [action for action in texts(desk) if HANDS_ON.search(action)]


def test_an_alert_whose_rule_is_no_more_follows_them_too(desk):
    """Its words are nowhere any more: what is left of them is what comes first."""
    write(desk, change(opens(1)), now=1)
    other = rule("other", "humidity > 80", "humidity < 60")
    without = Ledger(parse({"other.yaml": f"pack: other\nrules:\n{other}"}), BOTH)
    with registry.writing(desk.database) as session:
        assert without.reword(session, at(2)) == 0
    assert all(HANDS_ON.search(action) for action in texts(desk))
    desk.hold("fumigated", 5, lot="L1", lifted_by="Port Fumigation Ltd")
    with registry.writing(desk.database) as session:
        assert without.reword(session, at(6)) == 1
    for action in (*texts(desk), desk.rows()[0].action):
        assert action.startswith("Leave it closed and untouched")
        assert not HANDS_ON.search(action)


def test_a_message_that_was_taken_stays_as_it_was(desk):
    write(desk, change(opens(1)), now=1)
    with registry.writing(desk.database) as session:
        for message in session.scalars(select(Outgoing)):
            message.sent = at(1)
    desk.hold("fumigated", 5, lot="L1")
    with registry.writing(desk.database) as session:
        assert Ledger(RULES, BOTH).reword(session, at(6)) == 1
    assert all(HANDS_ON.search(action) for action in texts(desk))


def test_hundreds_of_open_alerts_are_worded_at_once(desk):
    """All tags fall silent with their gateway: the registry is written to by others meanwhile."""
    for number in range(200):
        desk.lot(f"S{number}")
    silent = [
        replace(change(opens(6, "test.quiet"), silence=True), key=LotKey(TENANT, f"S{number}"))
        for number in range(200)
    ]
    write(desk, *silent, now=6)
    desk.hold("fumigated", 7, lot="S7")
    asked = []

    def ask(*said):
        asked.append(said[2])

    event.listen(desk.database, "before_cursor_execute", ask)
    with registry.writing(desk.database) as session:
        assert Ledger(RULES, ()).reword(session, at(8)) == 1
    event.remove(desk.database, "before_cursor_execute", ask)
    assert len(asked) < 40


def test_alerts_of_hundreds_of_lots_are_written_at_once(desk):
    """The sun comes out over a yard: the queries do not grow with the lots."""
    for number in range(200):
        desk.lot(f"S{number}")
    keys = [LotKey(TENANT, f"S{number}") for number in range(200)]
    asked = []

    def ask(*said):
        asked.append(said[2])

    event.listen(desk.database, "before_cursor_execute", ask)
    opened = [replace(change(opens(6)), key=key) for key in keys]
    assert write(desk, *opened, now=6) == 200
    over = [replace(change(opens(6), clears(8)), key=key) for key in keys]
    again = [replace(change(opens(9), since=8.5), key=key) for key in keys]
    assert write(desk, *over, *again, now=9) == 400
    event.remove(desk.database, "before_cursor_execute", ask)
    assert len(asked) < 60
    assert len(desk.alerts()) == 400
    assert len(desk.told()) == 600


@pytest.mark.parametrize("kind", ["container", "vehicle"])
def test_of_a_closed_box_of_which_nothing_is_known_the_label_is_read_first(desk, kind):
    desk.put("places", id="closed", kind=kind, name="Closed")
    desk.move("L1", 0, "closed")
    write(desk, change(opens(1)))
    assert set(actions(desk)) == {READ_THE_LABEL}


def test_a_lot_that_came_and_was_not_booked_in_may_still_be_in_its_box(desk):
    """On a leg in the box from 0 to 10 h; nobody said where it was put."""
    leg = {"number": 1, "mode": "sea", "place": "box"}
    leg |= {"departs": "2025-11-22T12:00:00Z", "arrives": "2025-11-22T22:00:00Z"}
    desk.put("shipments", id="S1", lots=["L1"], legs=[leg])
    write(desk, change(opens(15)), now=15)
    assert desk.rows()[0].action == READ_THE_LABEL


def test_a_lot_that_was_put_in_a_bay_is_out_of_its_box(desk):
    desk.move("L1", 0, "box")
    desk.move("L1", 10, "bay")
    write(desk, change(opens(15)), now=15)
    assert desk.rows()[0].action.startswith("Open the doors")


# Lots that are gone.


def test_changes_of_lots_that_are_gone_are_left_out(desk):
    gone = replace(change(opens(1)), key=LotKey(TENANT, "L9"))
    other = replace(change(opens(1)), key=LotKey("nobody", "L1"))
    with registry.reading(desk.database) as session:
        left = without_gone(session, [gone, change(opens(1)), other])
    assert [each.key for each in left] == [KEY]


def test_a_message_has_the_fields_that_are_documented(desk):
    """docs/webhooks.md shows one whole: the same names and kinds of values."""
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    shown = json.loads(page.split("```json\n")[1].split("```")[0])
    write(desk, change(opens(1)))
    with registry.reading(desk.database) as session:
        sent = session.scalars(select(Outgoing)).first().payload
    assert list(sent) == list(shown)
    assert {k: type(v) for k, v in sent["data"].items()} == {
        k: type(v) for k, v in shown["data"].items()
    }


def test_at_a_closed_box_the_label_comes_first_whatever_the_rule(desk):
    """Even to look for a tag somebody would have to go in."""
    desk.move("L1", 0, "box")
    write(desk, change(opens(1, "test.quiet"), silence=True), now=2)
    (row,) = desk.rows()
    assert row.action == f"{READ_THE_LABEL} Then: Look for the tag of L1."
