"""A scan in a process of its own: prints calls, points, seconds and its peak resident memory as one JSON line.

python benchmarks/memory/client.py DEPTH        (credentials and base URL in the environment)
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from agora_tencent_analytics.cli import main

MB = 1e6
UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, kibibytes elsewhere


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / MB


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        out = Path(folder) / "out.jsonl"
        before, began = peak_mb(), time.perf_counter()
        status = main(["scan", "--last", "10h", "--depth", sys.argv[1], "--out", str(out), "--report", str(report)])
        took = time.perf_counter() - began
        total = json.loads(report.read_text())["total"]
        written = out.stat().st_size / MB
    figures = {name: total[name] for name in ("complete", "calls", "sessions", "points", "requests")}
    print(
        json.dumps(
            {"status": status, **figures, "seconds": took, "written_mb": written, "at_start": before, "peak": peak_mb()}
        )
    )
