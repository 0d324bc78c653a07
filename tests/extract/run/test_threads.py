"""Claims about how threads wait: set before torch is imported, and the user's word stands."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from oodcache.extract.run.threads import sleep_while_waiting


def test_what_the_environment_says_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    sleep_while_waiting()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_the_command_sets_it_before_anything_imports_torch() -> None:
    script = (
        "import os, sys, oodcache.cli.main, oodcache.extract.run.plan as plan\n"
        "def found(*_, **__):\n"
        "    print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])\n"
        "    sys.exit(0)\n"
        "plan.plan = found\n"
        "sys.argv = ['oodcache', 'extract', '--model', 'tiny-clip', '--classes', 'imagenet']\n"
        "oodcache.cli.main.main()\n"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, env=without(), check=False)
    assert ran.stdout == "False PASSIVE\n", ran.stderr


def without() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
