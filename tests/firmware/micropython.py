"""A MicroPython to run the firmware in: the WebAssembly port, in a process of Node."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware_stubs"
PACKAGE = HERE / "node_modules" / "@micropython" / "micropython-webassembly-pyscript"
HEAP = 64 * 1024


class Missing(Exception):
    """It is not installed; says how to get it."""


def find_node() -> Path:
    """Where Node is; raises `Missing`, also where the package is not there."""
    node = shutil.which("node")
    if node is None:
        raise Missing("node is not installed: apt-get install nodejs npm")
    if not (PACKAGE / "micropython.mjs").exists():
        raise Missing("MicroPython is not installed: run tests/firmware/install")
    return Path(node)


@functools.cache
def version() -> str:
    """What the MicroPython of the tests calls itself, by its own word; raises `Missing`."""
    with MicroPython() as micropython:
        (told,) = micropython.run("import sys; print(sys.version.split('; ')[1], sys.platform)")
    return told


class Raised(Exception):
    """MicroPython ended with an exception, whose traceback this is."""


class MicroPython:
    """A process; what runs in it goes on where the last left off.

    ``heap``  bytes at the start: this port lets it grow, so `drive` tells how large it became
    ``ask``   what answers `harness.ask`
    """

    def __init__(self, heap: int = HEAP, ask: Callable[[str], str] | None = None) -> None:
        self._ask = ask
        folders = {FIRMWARE: "/firmware", HERE / "harness/lib": "/lib", HERE / "checks": "/checks"}
        self._process = subprocess.Popen(
            [
                find_node(),
                HERE / "harness" / "run.mjs",
                str(heap),
                *(f"{folder}={where}" for folder, where in folders.items()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.run("import sys; sys.path[:] = ['/firmware', '/lib', '/checks', '.frozen']")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def run(self, source: str) -> list[str]:
        """The lines that it printed; raises `Raised`."""
        found: list[str] = self._told({"run": source})["out"]
        return found

    def value(self, expression: str) -> Any:
        """What an expression is, where JSON can have it."""
        (line,) = self.run(f"import json\nprint(json.dumps({expression}))")
        return json.loads(line)

    def load(self, *modules: str) -> None:
        """Import each by itself: garbage is collected in between."""
        for module in modules:
            self.run(f"import {module}")

    def drive(self, function: str) -> dict[str, Any]:
        """Call a function until it returns a false value: see harness/run.mjs."""
        return self._told({"drive": function})

    def _told(self, command: dict[str, str]) -> dict[str, Any]:
        self._say(json.dumps(command))
        while True:
            reply = self._heard()
            if "ask" not in reply:
                break
            assert self._ask is not None, "nobody answers harness.ask"
            self._say(self._ask(reply["ask"]))
        if "error" in reply:
            raise Raised("\n".join([*reply["out"], reply["error"]]))
        return reply

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Raised(f"MicroPython ended with {self._process.wait()}")
        heard: dict[str, Any] = json.loads(line)
        return heard
