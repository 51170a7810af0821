"""A server in a process of its own that notes when each request arrives, behind a network of random latency.

    python -m tests.realtime.counting_vendor MEAN_MS

Prints its address, then one line for each arrival: monotonic seconds and the asker's port. It refuses nobody:
what vendors that count in different ways would have refused is worked out from the same arrivals afterwards.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time

from aiohttp import web


async def main(mean_s: float) -> None:
    dice = random.Random(20)

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(dice.expovariate(1 / mean_s) if mean_s else 0)
        print(f"{time.monotonic():.6f} {request.query.get('who', '')}", flush=True)
        await asyncio.sleep(dice.expovariate(1 / mean_s) if mean_s else 0)
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) / 1000))
