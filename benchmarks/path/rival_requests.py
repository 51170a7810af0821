"""requests in so many threads, a session each; as bare as the yardstick."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import orjson
import requests

from benchmarks.path.job import AT_ONCE, JobName, Sent, Settings


class Runner:
    def __init__(self, settings: Settings, vendor: str) -> None:
        self._base = settings[vendor]["base_url"]
        keys = settings[vendor]["credentials"]
        self._auth = (keys["customer_id"], keys["customer_secret"]) if vendor == "agora" else None

    async def run(self, _: JobName, sent: list[Sent]) -> int:
        return await asyncio.to_thread(self._run, sent)

    def _run(self, sent: list[Sent]) -> int:
        own = threading.local()

        def ask(one: Sent) -> None:
            session = getattr(own, "session", None)
            if session is None:
                session = own.session = requests.Session()
                session.trust_env = False
                session.auth = self._auth
            headers = {"X-TC-Action": one.action, "Content-Type": "application/json"} if one.action else {}
            url, body = self._base + one.path, one.body.encode() or None
            response = session.request(one.method, url, data=body, headers=headers)
            orjson.loads(response.content)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(1 for _ in pool.map(ask, sent))
