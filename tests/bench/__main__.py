"""All measurements, or those that are named: `python -m tests.bench [journal decode …]`.

A line each as they come, with what the same work takes without Dunnage where that makes sense; the
last line is JSON: the ratios, ours ÷ bare, by name. What the figures mean is in
docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from cli.logging import to_stderr
from tests.bench import decoding, draining, fleet, keeping, rules, stores, years
from tests.bench.comparing import Figure

PARTS: Mapping[str, Callable[[], Iterator[Figure]]] = MappingProxyType(
    {
        "journal": keeping.figures,
        "decode": decoding.figures,
        "rules": rules.figures,
        "stores": stores.figures,
        "history": years.figures,
        "worker": draining.figures,
        "fleet": fleet.figures,
    }
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    names = parser.parse_args().parts or list(PARTS)
    if unknown := set(names) - PARTS.keys():
        parser.error(f"{', '.join(sorted(unknown))}: there is only {', '.join(PARTS)}")
    to_stderr(logging.WARNING)
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load before"
        f" {os.getloadavg()[0]:.1f} (with more than 0.5 the figures are of a busy machine)"
    )
    ratios = {}
    for name in names:
        for figure in PARTS[name]():
            print(figure, flush=True)
            if figure.ratio is not None:
                ratios[figure.name] = round(figure.ratio, 2)
    print(json.dumps(ratios))


if __name__ == "__main__":
    main()
