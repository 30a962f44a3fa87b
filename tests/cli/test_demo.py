"""`dunnage demo`, as one tries it: it does its job, shows it, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cli.demo_folder import MARK, taken
from cli.demo_view import View, live
from cli.processes import ChildFailed, start
from lots.settings import SettingsError
from simulators import journey
from tests.cli.shell import PATIENCE_S, Running, Shell, alive, descendants
from tests.servers import free_port

NAMES = ("cli.main broker", "cli.main worker", "cli.main api", "simulators.demo_fleet")
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def ports() -> tuple[str, ...]:
    return ("--api-port", str(free_port()), "--broker-port", str(free_port()))


def parts(pid: int) -> dict[str, int]:
    """The demo's processes by name."""
    found = descendants(pid).items()
    return {name: pid for name in NAMES for pid, command in found if name in command}


def test_it_does_its_job_and_counts_it(shell: Shell, ports: tuple[str, ...]) -> None:
    # Nothing of the user's own is the demo's: settings, good or bad, and a proxy.
    (shell.folder / "dunnage.toml").write_text('api_prot = "bad"')
    shell.environment |= {
        "DUNNAGE_WEBHOOK_SECRET": "bad",
        "DUNNAGE_BROKER_URL": "bad",
        "http_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
    }
    words = ("demo", "--for", "8", "--json", "--folder", "F", *ports)
    with Running(shell, *words) as demo:
        demo.says("In another terminal:")
        (curl,) = (line for line in demo.text.splitlines() if line.startswith("curl "))
        answer = demo.until(lambda: history(curl), "the line for a shell works")
        assert "air" in {series["placement"] for series in answer["series"]}
        second = shell.refusal("demo", "--folder", "F", *fresh_ports())
        assert "another demo is running in F" in second
        for name in ("--api-port", "--broker-port"):
            busy = ports[ports.index(name) + 1]
            message = shell.refusal("demo", "--folder", "G", *fresh_ports(), name, busy)
            assert re.search(rf"port {busy} .*{name}", message)
        assert not (shell.folder / "G").exists()
        assert demo.ends() == 0
    (explain,) = (line for line in demo.text.splitlines() if "rules explain" in line)
    assert " h ago; it is silent after" in explained(explain), "not by the demo's clock"
    figures = json.loads(demo.text.splitlines()[-1])
    assert figures["published"] == figures["stored"] > 10_000
    assert figures["lots"] == 40
    assert figures["alerts"] > 0
    assert 0 < figures["first_alert_s"] < PATIENCE_S
    assert "Traceback" not in demo.text


def fresh_ports() -> tuple[str, ...]:
    return ("--api-port", str(free_port()), "--broker-port", str(free_port()))


def history(curl: str) -> dict[str, list[dict[str, object]]]:
    """What the line answers in a shell, once the lot has a history; else {}."""
    done = subprocess.run(["sh", "-c", f"{curl} -sS"], capture_output=True, env={}, text=True)
    assert done.returncode == 0, done.stderr
    answer: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return answer if any(series["points"] for series in answer["series"]) else {}


def explained(line: str) -> str:
    """What the line says of the lot's rules, in a shell."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, env={}, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Terminal:
    """A command in a terminal of its own; ``shown``: all that was written on it."""

    def __init__(self, shell: Shell, *words: str, lines: int, columns: int) -> None:
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            os.chdir(shell.folder)
            command = [sys.executable, "-m", "cli.main", *words]
            os.execve(command[0], command, shell.environment | {"TERM": "xterm-256color"})
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.shown = ""

    def until(self, look: Callable[[], object], what: str) -> None:
        patience = time.monotonic() + PATIENCE_S
        while not look():
            assert time.monotonic() < patience, f"still not: {what}\n{self.shown[-3000:]}"
            assert self._read(), f"it ended before {what}:\n{self.shown[-3000:]}"

    def press(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def ends(self) -> int:
        while self._read():
            pass
        os.close(self._end)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        """Whether it is still there."""
        ready, _, _ = select.select([self._end], [], [], 0.2)
        if not ready:
            return True
        try:
            self.shown += os.read(self._end, 1 << 16).decode(errors="replace")
        except OSError:
            return False
        return True


def test_a_person_sees_it_and_ends_it_with_ctrl_c(shell: Shell, ports: tuple[str, ...]) -> None:
    (shell.folder / "F").mkdir()
    (shell.folder / "F" / MARK).touch()
    (shell.folder / "F" / "registry.sqlite").write_text("of an earlier demo")
    terminal = Terminal(shell, "demo", "--folder", "F", *ports, lines=30, columns=100)
    try:
        terminal.until(lambda: re.search(r"[1-9]\d* in all", terminal.shown), "an alert")
        everything = descendants(terminal.pid)
        assert len(everything) == len(NAMES)
        terminal.press(b"\x03")  # to all that the terminal runs
        assert terminal.ends() == 0
    finally:
        for pid in [*descendants(terminal.pid), *alive({terminal.pid: "-m cli.main demo"})]:
            os.kill(pid, signal.SIGKILL)
    assert alive(everything) == {}
    text = ANSI.sub("", terminal.shown)
    assert "Traceback" not in text
    assert re.search(r'curl -H "Authorization: Bearer dunnage_\S{43}" "http://\S+"\r?\n', text)
    last = text[text.rindex("readings/s") :]
    for words in ("Lots at risk", "Newest open alerts", "what to do", "Summary: {"):
        assert words in last
    assert last.index("Summary: {") > last.index("what to do")
    assert len(last[: last.index("Stopped.")].splitlines()) < 30


def test_a_part_that_dies_ends_all(shell: Shell, ports: tuple[str, ...]) -> None:
    with Running(shell, "demo", "--folder", "F", *ports) as demo:
        worker = demo.until(lambda: parts(demo.process.pid).get("cli.main worker"), "it begins")
        everything = descendants(demo.process.pid)
        os.kill(worker, signal.SIGKILL)
        assert demo.ends() == 1
        assert alive(everything) == {}
        assert "dunnage: the worker was ended by SIGKILL at its start" in demo.text
        assert "Traceback" not in demo.text


def test_a_part_that_dies_later_is_noticed_too() -> None:
    script = "import sys, time; print('dunnage: no more', flush=True); time.sleep(60)"
    arguments = ["timeit", "-n1", "-r1", script]
    children = [start("worker", arguments, os.environ) for _ in range(2)]
    view = View("http://127.0.0.1:9", "key", "http://127.0.0.1:9", 0.0)
    console = Console(file=io.StringIO())
    try:
        while not children[1].lines:
            live(view, console, children, threading.Event(), 1.0, as_json=False)
        children[1].process.kill()
        with pytest.raises(ChildFailed, match=r"the worker was ended by SIGKILL.*: no more"):
            live(view, console, children, threading.Event(), 60.0, as_json=False)
    finally:
        view.close()
        for child in children:
            child.process.kill()
            child.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_at_once_while_it_begins(
    shell: Shell, ports: tuple[str, ...], number: signal.Signals
) -> None:
    with Running(shell, "demo", "--folder", "F", *ports) as demo:
        demo.until(lambda: "cli.main worker" in parts(demo.process.pid), "it begins")
        everything = descendants(demo.process.pid)
        demo.process.send_signal(number)
        if number == signal.SIGKILL:
            assert demo.ends() == -number
            demo.left_alone(everything)
        else:
            assert demo.ends(20) == 0
            assert alive(everything) == {}
            assert "Traceback" not in demo.text
            assert demo.text.splitlines()[-1] == "Stopped before it had begun."


def test_a_folder_with_other_files_is_left_alone(shell: Shell) -> None:
    (shell.folder / "notes").mkdir()
    (shell.folder / "notes" / "mine.txt").write_text("mine")
    message = shell.refusal("demo", "--folder", "notes", *fresh_ports())
    assert "files that are not a demo's" in message
    assert "--folder" in message
    assert [path.name for path in (shell.folder / "notes").iterdir()] == ["mine.txt"]


def test_folders_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(SettingsError, match=r"cannot be used.*--folder"), taken(folder):
            pass


def test_what_an_earlier_demo_left_is_removed_but_not_what_a_link_leads_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.txt").touch()
    folder = tmp_path / "F"
    with taken(folder):
        (folder / "journal").mkdir()
        (folder / "journal" / "1.log").touch()
        (folder / "link").symlink_to(outside)
        with pytest.raises(SettingsError, match="another demo is running"), taken(folder):
            pass
        assert (folder / "journal" / "1.log").exists()
    with taken(folder):
        assert [path.name for path in folder.iterdir()] == [MARK]
    assert (outside / "mine.txt").exists()


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_ports_that_are_none(shell: Shell, port: str) -> None:
    assert shell("demo", "--api-port", port).returncode == 2


def test_one_port_for_two(shell: Shell) -> None:
    port = str(free_port())
    message = shell.refusal("demo", "--api-port", port, "--broker-port", port)
    assert "--api-port or --broker-port" in message
    assert list(shell.folder.iterdir()) == []


def test_a_journey_ends_with_its_truth_beside_its_alerts(
    shell: Shell, ports: tuple[str, ...]
) -> None:
    words = ("demo", "--journey", "unwrapped-too-soon", "--speed", "86400", "--json")
    with Running(shell, *words, "--folder", "F", *ports) as demo:
        demo.says("In another terminal:")
        assert demo.ends(120) == 0  # by itself, when the journey is over
        assert "Traceback" not in demo.text
    figures = json.loads(demo.text.splitlines()[-1])
    assert figures["lots"] == 2
    assert figures["stored"] == figures["published"] > 2000
    assert {row["lot"] for row in figures["truth"]} == {
        lot.key for lot in journey.named("unwrapped-too-soon").lots
    }
    assert "The truth beside the alerts" in demo.text


def test_a_journey_that_there_is_not(shell: Shell, ports: tuple[str, ...]) -> None:
    message = shell.refusal("demo", "--journey", "nowhere", "--folder", "F", *ports)
    assert "there is no journey 'nowhere': use one of calm, " in message
