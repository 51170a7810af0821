"""A process in which one rival is measured: `python -m benchmarks.path.worker RIVAL VENDOR SETTINGS`.

Reads a job a line (`{"job": ..., "sent": [...]}`) and answers with the processor seconds that it took; with `"record"`
in the place of a job, with the requests of that job.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import time

import attrs

from benchmarks.path.job import Sent


def main(rival: str, vendor: str, settings: str) -> None:
    runner = importlib.import_module(f"benchmarks.path.{rival}").Runner(json.loads(settings), vendor)
    prepare = getattr(runner, "prepare", None)
    if prepare is not None:
        asyncio.run(prepare())
    requests: list[Sent] = []
    for line in sys.stdin:
        asked = json.loads(line)
        if "record" in asked:
            print(json.dumps([attrs.asdict(one) for one in asyncio.run(runner.sent(asked["record"]))]), flush=True)
            continue
        if "sent" in asked:
            requests = [Sent(**one) for one in asked["sent"]]
        gc.collect()
        before, began = time.process_time(), time.perf_counter()
        answers = asyncio.run(runner.run(asked["job"], requests))
        cpu, wall = time.process_time() - before, time.perf_counter() - began
        print(json.dumps({"cpu": cpu, "wall": wall, "answers": answers}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
