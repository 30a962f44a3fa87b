"""What the README tells a newcomer to type does what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.servers import free_port

README = Path(__file__).parents[1] / "README.md"
SETTLED_S = 30


def blocks(heading: str) -> list[str]:
    """The shell commands under a heading."""
    section = README.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)


def test_from_nothing_to_the_first_alert(tmp_path: Path) -> None:
    (commands,) = blocks("From nothing to your first alert")
    assert len(commands.strip().splitlines()) == 10
    ports = {name: str(free_port()) for name in ("BROKER", "API", "WORKER")}
    start, *rest = commands.replace(":8080", f":{ports['API']}").splitlines()
    # A person reads on while the processes start, and looks until the alert is there.
    ready = f"until curl -sf http://127.0.0.1:{ports['API']}/readyz >/dev/null; do sleep 0.1; done"
    up = "until grep -q 'the worker is up' dunnage.log; do sleep 0.1; done"
    rest = [line.replace("curl ", "curl -sS ") for line in rest]
    asked = next(number for number, line in enumerate(rest) if line.startswith("curl"))
    patient = f"until {rest[asked]} | grep -q lead.sweat; do sleep 0.1; done"
    script = "\n".join([start, ready, up, *rest[:asked], patient, *rest[asked:], "kill %1", "wait"])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    settings = {f"DUNNAGE_{name}_PORT": port for name, port in ports.items()}
    shell = subprocess.Popen(
        ["bash", "-mc", script],
        cwd=tmp_path,
        env=os.environ | settings | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        out, _ = shell.communicate(timeout=90)
    finally:
        _end(shell)
    answers = [
        json.loads(line) for line in re.findall(r'\{"(?:items|lot)".*', out.replace("}{", "}\n{"))
    ]
    assert len(answers) == 3, out
    alerts, lots, history = answers
    assert [alert["rule"] for alert in alerts["items"]] == ["lead.sweat"]
    assert [lot["id"] for lot in lots["items"]] == ["PB-1"]
    assert {series["placement"] for series in history["series"]} == {"air", "surface"}


def _end(shell: subprocess.Popen[str]) -> None:
    """The shell's own children too, however it ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(shell.pid, number)
        except ProcessLookupError:
            return
        time.sleep(0.2)


def test_every_link_leads_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    for link in links:
        assert (README.parent / link).exists(), f"README.md links to {link}, which is not there"


def test_every_target_that_it_names_is_in_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)", README.read_text(encoding="utf-8"))):
        assert re.search(rf"^{target}:.*## ", makefile, flags=re.MULTILINE), target
