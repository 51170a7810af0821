"""What a view costs that is made for one request: `python -m benchmarks.path.view [ROUNDS]`.

Processor time for the sessions of each call, asked through the provider and through a view of its own with `within_s`,
in turn; medians over the rounds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import ExitStack
from statistics import median

from agora_tencent_analytics import Call, Provider
from benchmarks.path.ours import Runner, many, provider
from benchmarks.path.run import WORLDS, Process


async def main(rounds: int) -> None:
    with ExitStack() as stack:
        settings = Process(stack, "benchmarks.path.vendor", json.dumps(WORLDS["one"])).line()
        runner = Runner(settings, "agora")
        await runner.prepare()
        calls = runner.calls[:64]
        plain, viewed = list[float](), list[float]()
        async with provider(settings, "agora") as agora:
            for _ in range(rounds + 1):
                plain.append(await cost(agora, calls))
                viewed.append(await cost(agora, calls, within_s=5))
        per_request = median(plain[1:]) / len(calls)
        extra = median(b / a for a, b in list(zip(plain, viewed, strict=True))[1:]) - 1
        print(f"a request: {per_request * 1e6:.0f} us; a view made for it: {extra:+.1%}")


async def cost(asked: Provider, calls: list[Call], **options: float) -> float:
    """Processor seconds."""
    began = time.process_time()
    await many(calls, lambda call: (asked.with_options(**options) if options else asked).sessions(call).collect())  # type: ignore[arg-type]
    return time.process_time() - began


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
