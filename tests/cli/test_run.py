"""`dunnage run`: all parts on one machine, from nothing, with logs replayed through them."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.cli.shell import Running, Shell, alive, descendants
from tests.servers import asked, free_port

THINGS = {
    "lots": "id,commodity,form,net_mass_kg,packaging\nPB-1,lead,ingot,1000,strapped\n",
    "tags": "id,interval_s\nA-1,60\n",
    "bindings": "tag,lot,placement,begins\nA-1,PB-1,air,2025-01-01T00:00Z\n",
}

TAGS = ("A-1", "A-1", "A-1", "stranger")


@pytest.fixture
def ports(shell: Shell) -> dict[str, int]:
    ports = {name: free_port() for name in ("API", "BROKER", "WORKER")}
    shell.environment |= {f"DUNNAGE_{name}_PORT": str(port) for name, port in ports.items()}
    # A proxy leads elsewhere than to this machine.
    shell.environment |= {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    return ports


def part(run: Running, name: str) -> int:
    found = descendants(run.process.pid).items()
    return next((pid for pid, command in found if command.endswith(f"cli.main {name}")), 0)


def replay(shell: Shell, hours_ago: int) -> None:
    """A log of three readings of our tag and one of a stranger, as they were recorded."""
    begins = datetime.now(UTC) - timedelta(hours=hours_ago)
    times = [(begins + timedelta(minutes=m)).isoformat(timespec="seconds") for m in range(4)]
    rows = [f"{at},{tag},21.5,50\n" for at, tag in zip(times, TAGS, strict=True)]
    (shell.folder / "log.csv").write_text("time,sensor,temperature,humidity\n" + "".join(rows))
    done = shell.process("replay", "log.csv", "--recorded")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(b'{"messages": 2, "readings": 4, "skipped": 0}\n')


def readings_of_the_lot(api: str, key: str) -> int:
    """As the API counts them."""
    head = {"authorization": f"Bearer {key}"}
    url = f"{api}/v1/lots/PB-1/history?points=50"
    reply = httpx.get(url, headers=head, trust_env=False).raise_for_status().json()
    points = [point for series in reply["series"] for point in series["points"]]
    return sum(int(point["temperature"]["count"]) for point in points)


def test_from_nothing_to_a_history_through_the_death_of_a_worker(
    shell: Shell, ports: dict[str, int]
) -> None:
    # A folder of the user's with the name of one of our packages is none of ours.
    (shell.folder / "api").mkdir()
    (shell.folder / "api" / "__init__.py").write_text("raise SystemExit('not this one')")
    api, status = (f"http://127.0.0.1:{ports[name]}" for name in ("API", "WORKER"))
    with Running(shell, "run") as run:
        run.says(f"API on {api}, broker mqtt://127.0.0.1:{ports['BROKER']}")
        key = shell.says("keys", "add", "me").strip()
        for kind, text in THINGS.items():
            shell.says("import", kind, "-", given=text.encode())
        run.until(lambda: asked(f"{status}/readyz").is_success, "ready")
        replay(shell, 5)
        run.until(lambda: readings_of_the_lot(api, key) == 3, "the log is kept")
        run.until(lambda: "stranger\t1" in shell.says("tags", "unknown"), "a stranger is listed")

        others = part(run, "api"), part(run, "broker")
        killed = part(run, "worker")
        os.kill(killed, signal.SIGKILL)
        run.says("the worker was ended by SIGKILL: again in")
        run.until(lambda: part(run, "worker") not in (0, killed), "it is started again")
        run.until(lambda: run.text.count("mqtt: connected") == 2, "it listens again")
        assert (part(run, "api"), part(run, "broker")) == others
        replay(shell, 3)
        run.until(lambda: readings_of_the_lot(api, key) == 6, "both logs are kept")

        everything = descendants(run.process.pid)
        assert run.stop() == 0
        assert alive(everything) == {}
        assert "Traceback" not in run.text


def test_parts_end_with_it_however_it_ends(shell: Shell, ports: dict[str, int]) -> None:
    with Running(shell, "run") as run:
        run.until(lambda: part(run, "worker"), "it has begun")
        everything = descendants(run.process.pid)
        assert len(everything) == 2
        run.process.kill()
        run.ends()
        run.left_alone(everything)
    with Running(shell, "run") as run:  # asked to end while it begins
        run.until(lambda: part(run, "broker"), "it has begun")
        everything = descendants(run.process.pid)
        assert run.stop(signal.SIGINT) == 0
        assert alive(everything) == {}
        assert "Traceback" not in run.text
