"""Whatever stands in a ledger or a quota file, who works with it obeys a signal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals and processes as POSIX has them")


def signalled(first: int, last: int) -> int:
    """How many processes were signalled, all of which ended by it within two seconds."""
    command = [sys.executable, "-m", "tests.support.signalled_files", str(first), str(last)]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    *wrong, summed = map(json.loads, told.splitlines())
    assert [] == wrong
    return int(summed["sent"])


@pytest.mark.long
def test_processes_that_work_with_mutated_files_obey_sigint_and_sigterm() -> None:
    assert 40 == signalled(0, 20)


@pytest.mark.proof
def test_all_of_five_hundred_mutated_files_do() -> None:
    with ThreadPoolExecutor(2) as both:
        assert 1_000 == sum(both.map(signalled, (1_000, 1_250), (1_250, 1_500)))
