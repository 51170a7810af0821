"""The decoders under a fuzzer that steers by coverage: `python -m tests.fuzz.steered -max_total_time=60`.

The first byte picks the row, the second the status, the rest goes wrong as in the tests. Needs `atheris`; a defect ends
the run with its input, which `test_decoders.py` can repeat.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

atheris: Any = importlib.import_module("atheris")  # for Linux alone, without types, and not among the tests' needs

with atheris.instrument_imports(include=["agora_tencent_analytics"]):
    from agora_tencent_analytics import Response
    from tests.fuzz.mutation import mutated
    from tests.fuzz.reading import read
    from tests.fuzz.samples import ROWS, sample

NAMES = sorted(ROWS)
STATUSES = (200, 200, 200, 200, 200, 200, 401, 429, 500)


def once(data: bytes) -> None:
    """One answer."""
    row, status = (*data[:2], 0, 0)[:2]
    good = sample(NAMES[row % len(NAMES)])
    body = mutated(good.body, data[2:])
    read(good, Response(status=STATUSES[status % len(STATUSES)], headers={}, body=body))


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
