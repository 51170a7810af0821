"""The way to a Redis server: connections of each event loop, time limits, and what to say when it cannot be reached.

Holds `RedisLink`, which runs one script. A server that could not be reached is left alone for a second, so that a
queue of requests does not wait for it one by one.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import anyio

from agora_tencent_analytics.errors import BadInput, QuotaUnavailable
from agora_tencent_analytics.quota.shield import uninterrupted
from agora_tencent_analytics.secret import redacted, secret

if TYPE_CHECKING:
    from redis.asyncio import Redis

ASK_AGAIN_S = 1.0
"""How long a server that could not be reached is left alone, seconds."""

_CONNECTIONS = 8
_HIDDEN_AT = re.compile("://[^/?#]*[/?#].*@", re.DOTALL)
"""A password cut short by one of these: what stands before would be taken for the host."""
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:[0-9]+)?(/[0-9]*)?")
_PLACES = {"redis": _HOST, "rediss": _HOST, "unix": re.compile(r"/[\w./-]*")}


class RedisLink:
    """Runs a script on one server, from any event loop and thread.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        script: in Lua.
        timeout_s: the longest wait for the script's answer, seconds; connecting included.

    Raises:
        BadInput: the URL is malformed, or redis-py is not installed.
    """

    def __init__(self, url: str, script: str, *, timeout_s: float) -> None:
        self._url = secret(url)
        del url  # crash reports list local variables
        self.place = _without_credentials(self._url.reveal())
        """The server, for messages: without password, and not even its host where the URL could be misread."""
        self._script, self._timeout_s = script, timeout_s
        self._digest = hashlib.sha1(script.encode()).hexdigest()  # the name by which the server knows it
        self._clients: dict[asyncio.AbstractEventLoop, Redis] = {}
        self._busy: dict[asyncio.AbstractEventLoop, int] = {}
        self._lock = threading.Lock()
        self._left_alone_until = float("-inf")
        well_formed = not _HIDDEN_AT.search(self._url.reveal())
        try:
            self._client()
        except ImportError as error:
            raise BadInput('a quota in Redis needs redis-py: pip install "agora-tencent-analytics[redis]"') from error
        except ValueError:
            well_formed = False
        if not well_formed:
            # The URL may hold a password: neither it nor the library's own error is repeated, or kept as the context.
            raise BadInput(
                f"the Redis URL for {self.place} is malformed; it is like redis://user:password@host:6379/0, and "
                "/ ? # @ in a password are written as %2F %3F %23 %40"
            )

    async def run(self, keys: list[str], *words: str) -> Any:
        """What the script returns.

        Raises:
            QuotaUnavailable: the server cannot be reached, or refuses.
        """
        if time.monotonic() < self._left_alone_until:
            raise self._unavailable("it could not be reached a moment ago")
        loop = asyncio.get_running_loop()
        with self._lock:
            client = self._clients.get(loop)
            if client is None:
                for other in [other for other in self._clients if other.is_closed()]:
                    del self._clients[other]
                    self._busy.pop(other, None)
                client = self._clients[loop] = self._client()
            self._busy[loop] = self._busy.get(loop, 0) + 1
        try:
            # Cancelled half-way, a connection would have to be closed, and what the server did would not be known.
            return await uninterrupted(self._eval(client, keys, words))
        finally:
            with self._lock:
                self._busy[loop] -= 1

    async def _eval(self, client: Redis, keys: list[str], words: tuple[str, ...]) -> Any:
        from redis.exceptions import NoScriptError, RedisError

        try:
            with anyio.fail_after(self._timeout_s):
                try:
                    return await client.evalsha(self._digest, len(keys), *keys, *words)
                except NoScriptError:
                    return await client.eval(self._script, len(keys), *keys, *words)
        except (RedisError, OSError) as error:
            self._left_alone_until = time.monotonic() + ASK_AGAIN_S
            said = redacted(str(error), _passwords(self._url.reveal()))
            why = f"{type(error).__name__}: {said or f'no answer in {self._timeout_s:g} s'}"
        # Out here, where the server's own words are not its context.
        raise self._unavailable(why)

    async def aclose(self) -> None:
        """Closes the connections of this loop, unless one is in use."""
        loop = asyncio.get_running_loop()
        with self._lock:
            client = None if self._busy.get(loop) else self._clients.pop(loop, None)
        if client is not None:
            await client.connection_pool.disconnect()

    def _client(self) -> Redis:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        pool = BlockingConnectionPool.from_url(
            self._url.reveal(),
            max_connections=_CONNECTIONS,
            timeout=self._timeout_s,
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            # Once: a connection that was kept may be stale.
            retry=Retry(NoBackoff(), 1),
        )
        return Redis(connection_pool=pool)

    def _unavailable(self, why: str) -> QuotaUnavailable:
        return QuotaUnavailable(
            f"the quota store {self.place} cannot be used ({why}), so nothing was sent; see whether it runs, or state "
            "what to do without it (RedisStore(fallback_share=...) or unavailable='wait')"
        )


def _passwords(url: str) -> Iterator[str]:
    """The password of a URL, as it is written and as it is sent, wherever it stands."""
    parts = urlsplit(url)
    written = [parts.netloc.rpartition("@")[0].partition(":")[2], *dict(parse_qsl(parts.query)).values()]
    yield from (*written, *map(unquote, written))


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    place = re.split("[?#]", rest.rpartition("@")[2])[0]
    if scheme not in _PLACES:
        return "this server"
    return f"{scheme}://{place}" if _PLACES[scheme].fullmatch(place) and not _HIDDEN_AT.search(url) else f"{scheme}://"
