"""Scans both vendors again and again, as fast as they answer, in a process of its own.

    python -m tests.realtime.soak_client SECONDS < LINE

LINE is what `soak_vendor.py` printed. Prints one JSON line a round: how long it took, the report, blocks of
memory that Python has allocated, resident memory and open files.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time

import psutil

from agora_tencent_analytics import AgoraProvider, Quota, Retry, TencentProvider, TimeRange, scan


async def main(seconds: float) -> None:
    told = json.loads(sys.stdin.readline())
    over = TimeRange(told["start"], told["end"])
    patient = Retry(attempts=8, first_s=0.05, most_s=1.0)
    me = psutil.Process()
    until = time.monotonic() + seconds

    def settings(name: str) -> dict[str, object]:
        quota = Quota(name, store=":memory:", plan="unlimited")
        where = told["vendors"][name]
        return {
            **where["credentials"],
            "base_url": where["base_url"],
            "plan": "unlimited",
            "quota": quota,
            "retry": patient,
        }

    async with (
        AgoraProvider(**settings("agora")) as agora,  # type: ignore[arg-type]
        TencentProvider(region="ap-singapore", **settings("tencent")) as tencent,  # type: ignore[arg-type]
    ):
        while time.monotonic() < until:
            began = time.monotonic()
            seen: set[tuple[str, str]] = set()
            twice = 0
            async with scan(agora, tencent, over=over, workers=8) as records:
                async for record in records:
                    key = (record.vendor, record.call.call_id)
                    twice += key in seen and record.part == 0
                    seen.add(key)
            gc.collect()
            said = {
                "elapsed_s": round(time.monotonic() - began, 2),
                "twice": twice,
                "report": {
                    name: {key: figures[key] for key in ("complete", "calls", "sessions", "series", "points")}
                    | {"requests": figures["requests"], "retries": figures["retries"], "doubts": figures["doubts"]}
                    for name, figures in records.report.as_dict()["vendors"].items()
                },
                "blocks": sys.getallocatedblocks(),
                "rss_mb": round(me.memory_info().rss / 2**20, 1),
                "files": me.num_fds(),
                "tasks": len(asyncio.all_tasks()),
            }
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
