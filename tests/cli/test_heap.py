"""What a process gives back of its memory."""

import platform
import subprocess
import sys

import pytest

HOLES = """
import resource, sys
import numpy as np
from cli import heap

def mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() >> 20

if sys.argv[1] == "settled":
    heap.settle()
for _ in range(2):
    blocks = [np.ones(500_000) for _ in range(30)]
    most = mb()
    del blocks[::2]
    kept = mb()
    blocks.clear()
print(most - kept)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another libc has ways of its own")
def test_large_blocks_leave_no_holes():
    """Of thirty blocks of 4 MB every other is freed, the second time."""

    def given_back(how: str) -> int:
        command = [sys.executable, "-c", HOLES, how]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    assert given_back("settled") >= 50
    assert given_back("as it comes") < 50, "glibc learnt better: this needs no help any more"


PAGES = """
import resource
import numpy as np
from cli import heap

def batch():
    return [np.ones(60_000) for _ in range(6)]

heap.settle()
batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    batch()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another libc has ways of its own")
def test_what_every_batch_takes_is_not_given_back_in_between():
    """3 MB of columns, in blocks that are not large: 700 pages, each asked for again else."""
    command = [sys.executable, "-c", PAGES]
    pages = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert pages < 100
