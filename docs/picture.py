"""Draws docs/demo.svg: what the demo shows after most of a minute: `python docs/picture.py`."""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

from rich.console import Console

from cli.demo import Options, begin, begin_rest
from cli.demo_view import View
from cli.processes import free_port

SECONDS = 45.0
WIDTH = 150


def main() -> None:
    console = Console(record=True, width=WIDTH, force_terminal=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        options = Options(Path(folder), None, False, free_port(), free_port(), 8640.0, 1)
        demo = begin(options, monotonic(), processes)
        begin_rest(demo, processes)
        view = View(demo.address, demo.key, f"http://127.0.0.1:{demo.settings.worker_port}", 0.0)
        ends = monotonic() + SECONDS
        while monotonic() < ends:
            view.refresh()
            sleep(0.5)
        console.print(view.render())
    picture = console.export_svg(title="dunnage demo")
    # The reader's own fixed-width font will do; rich would fetch one from elsewhere.
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    (Path(__file__).parent / "demo.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
