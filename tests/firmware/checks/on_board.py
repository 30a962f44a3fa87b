"""main.py and boards/esp32.py where no network is needed, on hardware that is made up."""

import json

import machine
import main
from boards.esp32 import Board

CONFIG = {
    "tenant": "acme",
    "tag": "tag-1",
    "broker": "127.0.0.1",
    "wifi_name": "yard",
    "wifi_password": "secret",
}


def written(**more):
    """CONFIG and `more`, in a file."""
    found = dict(CONFIG)
    found.update(more)
    with open("/config.json", "w") as file:
        json.dump(found, file)


def refusal():
    try:
        main.load()
    except ValueError as error:
        return str(error)
    return "it was taken"


def check_the_clock_of_the_board():
    board = Board(("yard", "secret"))
    board.set_raw_ms(1_763_766_000_250)
    assert machine.clock == (2025, 11, 21, 4, 23, 0, 0, 250_000), machine.clock
    assert board.raw_ms() > 1_763_766_000_000


def check_a_configuration_that_cannot_do_is_refused_with_the_remedy():
    for wrong, told in (
        ({"tag": ""}, "no tag"),
        ({"tls": True, "time_server": None}, "name a server"),
        ({"boot": 1_763_766_000_000}, "in seconds since 1970"),
        ({"boot": -1}, "in seconds since 1970"),
        ({"boot": "7"}, "in seconds since 1970"),
    ):
        written(**wrong)
        assert told in refusal(), wrong
    written(tls=True)
    assert main.load()["tls"]
    written(time_server=None, boot=1_763_766_000)
    assert main.load()["boot"] == 1_763_766_000


def check_after_what_nobody_foresaw_it_sleeps():
    written()
    built = main.built

    def raising(config):
        raise MemoryError("memory allocation failed")

    main.built = raising
    try:
        main.run()
        raise AssertionError("it stopped")
    except machine.Asleep:
        assert machine.slept[-1] == 600_000
    finally:
        main.built = built


def check_a_grounded_pin_keeps_it_awake():
    written(awake_pin=4)
    machine.grounded = (4,)
    before = machine.fed
    try:
        main.run()
        assert machine.fed == before
    finally:
        machine.grounded = ()
