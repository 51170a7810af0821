"""A process that uses quota files on command.

    python -m tests.support.file_user

Reads lines. `open FILE` and `close` open and close a file; `take NOW` asks it for one request of the day, and `spin
SECONDS` as often as it can. Answers each with a line of JSON: what the store said, and how many are used, or
`unavailable`, and why; of spinning how many were granted, and what was wrong.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.quota.store import Claim, Room

KEY = ("account", "call/lists")
DAY = 20_717


async def take(store: SqliteStore, now: float) -> list[object]:
    windows = (Room(limit=1_000, free=1_000, period_s=60, rest_s=60.0),)
    claim = Claim(id=secrets.token_hex(8), owner=secrets.token_hex(8), windows=windows, days=(DAY,), day_limit=10**6)
    try:
        standing = await store.reserve(KEY, claim, now)
        if standing.why is None:
            await store.answered(KEY, claim, now, ago_s=0)
    except QuotaUnavailable as error:
        return ["unavailable", str(error)]
    return [standing.why, *standing.used]


async def spin(store: SqliteStore, seconds: float) -> list[object]:
    until, granted, wrong = time.monotonic() + seconds, 0, []
    while time.monotonic() < until:
        said = await take(store, time.time())
        granted += said[0] is None
        wrong += said[1:] if said[0] == "unavailable" else []
        await asyncio.sleep(0.002)
    return [granted, wrong]


def main() -> None:
    store: SqliteStore | None = None
    for line in sys.stdin:
        verb, _, what = line.strip().partition(" ")
        answer: list[object] = []
        if verb == "take":
            assert store is not None
            answer = asyncio.run(take(store, float(what)))
        elif verb == "spin":
            assert store is not None
            answer = asyncio.run(spin(store, float(what)))
        else:
            store = SqliteStore(what) if verb == "open" else None
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
