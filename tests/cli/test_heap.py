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
