import os
import platform
import subprocess
import sys

import pytest

# Prints the page faults of seven blocks of 64 MB, each filled and freed before the next.
FAULTS = """
import resource, sys
from oodcache.extract.run.allocation import keep_freed_memory
if sys.argv[1:] == ["keep"]:
    keep_freed_memory()
def fill():
    bytearray(b"x") * 2**26
fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(7):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*given: str, **environment: str) -> int:
    """Return the count of a process in which the environment says nothing else of malloc."""
    others = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))
    }
    ran = subprocess.run(
        [sys.executable, "-c", FAULTS, *given],
        capture_output=True,
        text=True,
        env=others | environment,
        check=True,
    )
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc")
def test_freed_memory_is_used_again_unless_the_environment_configures_malloc() -> None:
    usual = faults()
    assert faults("keep") < usual / 4
    assert faults("keep", MALLOC_MMAP_THRESHOLD_="1000000") > usual / 4
