"""How the threads of torch's arithmetic wait for each other."""

from __future__ import annotations

import os


def sleep_while_waiting() -> None:
    """Let them sleep where they would spin, unless the environment says otherwise.

    OpenMP reads it once, when torch is imported. On processors that also decode, a thread that
    spins keeps the very process from running that it, in the end, waits for.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
