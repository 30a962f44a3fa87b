"""What is compiled: by whom it is needed, and that it is all there when a worker is up."""

import subprocess
import sys

import pytest

SCRIPT = """
import math
from lots.climate import LotKey, join, together
from rules import attending, kernels, pack, quality, shelf, surroundings
from rules.engine import Engine
from rules.state import STATE, LotFacts
from tests.rules.timeline import said

def compiled():
    every = vars(attending) | vars(kernels) | vars(shelf)
    each = {name: getattr(found, "signatures", None) for name, found in every.items()}
    return {name: len(found) for name, found in each.items() if found is not None}

kernels.prepare(STATE)
attending.prepare(quality.SETTINGS)
shelf.prepare()
surroundings.prepare()
before = compiled()
keys = [LotKey("acme", name) for name in ("L1", "L2")]
of = Engine(pack.load())
of.know({k: LotFacts("acme", k.lot, c, f) for k, c, f in zip(
    keys, ("lead", "wool"), ("ingot", "greasy"))})
ahead = said(*((hour, 45.0, 95.0) for hour in range(30)))
late = said((29.5, 20.0, math.nan, 3.0), (29, 20.0, 50.0), placement="surface", tag=2).ordered()
for part in (ahead, late, ahead, said((31, 20.0, 50.0))):
    of.evaluate(together(dict.fromkeys(keys, part)))
of.refold(keys[1], 0, [ahead])
loops = ("attend", "follow", "courses", "walk", "sift", "recall", "chains", "pack", "unpack")
print(before == compiled(), {before[name] for name in loops} == {1})
"""


def said_by(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_nothing_is_compiled_any_more_once_it_is_prepared():
    """Or the first readings would wait for it, and all other threads with them."""
    assert said_by(SCRIPT) == ["True", "True"]


@pytest.mark.parametrize("module", ["api.server", "cli.main", "rules.pack", "ingest.bind"])
def test_who_folds_nothing_does_not_load_the_compiler(module):
    """It takes half a second and 100 MB."""
    assert said_by(f"import sys, {module}; print('numba' in sys.modules)") == ["False"]
