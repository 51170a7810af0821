"""The way to a Redis server: connections of each event loop, time limits, and what to say when it cannot be used.

Holds `RedisLink`, which runs one script. A server that could not be reached is left alone for a second, so that a
queue of requests does not wait for it one by one.

**Connections** are kept, and each may be stale: cut by a firewall while idle, or led to a server that is a replica by
now. So a kept one has half of the time, the other half is for one that is new, and all that were kept are dropped. At
connection nothing is asked but what the URL needs (`AUTH`, `SELECT`): each question is a round trip.

**Trouble** is told by its cause. What passes by itself is logged once, as long as it lasts, and waited for if the user
chose so. What does not - credentials, rights, unknown commands, a cluster - is raised to whoever has never been
answered (`Misconfigured`), and later is an error in the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from agora_tencent_analytics.errors import BadInput, QuotaUnavailable
from agora_tencent_analytics.secret import redacted, secret

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

ASK_AGAIN_S = 1.0
"""How long a server that could not be reached is left alone, seconds."""

_CONNECTIONS = 8
_KEEP_ALIVE_S = 30
_ACL = (
    "ACL SETUSER NAME on >PASSWORD resetkeys ~agora-tencent-analytics:* -@all +evalsha +eval +info +select +time +type "
    "+exists +del +hget +hmget +hset +hdel +hkeys +hincrby +zadd +zscore +zrem +zrangebyscore +zremrangebyscore"
)
_REMEDIES = (
    ("AuthenticationError|NOAUTH|WRONGPASS|wrong number of arguments for 'auth'", "correct user and password"),
    ("NoPermission|NOPERM|can't run this command|No permissions", f"give its user the rights it needs: {_ACL}"),
    (
        "unknown command|Unknown Redis command",
        "use a Redis 5 or later, or a compatible server, on which no command is renamed, and not a Sentinel",
    ),
    ("DENIED", "give it a password (requirepass) and name that in the URL, or let it listen to this network alone"),
    (
        r"WRONGTYPE|(?<!@)user_script:\d",
        "something else has written into the keys of the count; delete all of the account while nobody uses it",
    ),
    ("MOVED|Moved|CROSSSLOT|CrossSlot|AskError", "it is a cluster of several servers; name a single server"),
    ("DB index|Invalid Database", "correct the number of the database at the end of the URL"),
    ("CERTIFICATE_VERIFY", "name the authority that signed its certificate in the URL: ?ssl_ca_certs=FILE"),
    ("SSL", "the port does not speak TLS as rediss:// needs: write redis://, or another port"),
    ("InvalidResponse|Protocol Error", "what answers is not a Redis; one that speaks TLS is written rediss://"),
)
"""What is to be done about trouble that does not pass by itself, by what is said of it."""
_WHERE_IN_SCRIPT = re.compile(
    r"Error running script \(call to \w+\): @user_script:\d+: |@user_script: \d+: -?"  # before Redis 7
    r"| script: \w+, on @user_script:\d+\.?"
)
"""Servers say it; it differs from step to step, and says nothing to whoever runs the server."""
_HIDDEN_AT = re.compile("://[^/?#]*[/?#].*@", re.DOTALL)
"""A password cut short by one of these: what stands before would be taken for the host."""
_MALFORMED = (
    "is malformed; it is like redis://user:password@host:6379/0, and / ? # @ in a password are written as %2F %3F %23 "
    "%40"
)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:[0-9]+)?(/[0-9]*)?")
_PLACES = {"redis": _HOST, "rediss": _HOST, "unix": re.compile(r"/[\w./-]*")}


_log = logging.getLogger("agora_tencent_analytics")


class Misconfigured(QuotaUnavailable):
    """The server will not serve this client until somebody changes its setup."""


@attrs.define
class _Pool:
    """The connections of one event loop."""

    places: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(_CONNECTIONS))
    idle: list[AbstractConnection] = attrs.field(factory=list)
    busy: int = 0


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
        self.place: str = _without_credentials(self._url.reveal())
        """The server, for messages: without password, and not even its host where the URL could be misread."""
        self._script, self._timeout_s = script, timeout_s
        self._digest = hashlib.sha1(script.encode()).hexdigest()  # the name by which the server knows it
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}
        self._lock = threading.Lock()
        self._left_alone_until = float("-inf")
        self._trouble: str | None = None
        self._passes = True
        self.serves: bool = False
        """True once the server has served this client."""
        self.breaks: int = 0
        """How often connections were lost: it may be another server now."""
        wrong: str | None = None
        try:
            self.database: int = int(self._connection().db)
            """Its number."""
        except ImportError as error:
            raise BadInput('a quota in Redis needs redis-py: pip install "agora-tencent-analytics[redis]"') from error
        except TypeError as error:
            option = next(iter(re.findall(r"argument '(\w+)'", str(error))), "?")
            wrong = (
                f"has the option {option}, which a {self.place.partition(':')[0]}:// connection does not know; remove "
                "it, or see redis-py for those there are (ssl_... are for rediss://)"
            )
        except Exception:  # a ValueError, or one of redis-py's own
            wrong = _MALFORMED
        if _HIDDEN_AT.search(self._url.reveal()):
            wrong = _MALFORMED
        if wrong is not None:
            # The URL may hold a password: neither it nor the library's own error is repeated, or kept as the context.
            raise BadInput(f"the Redis URL for {self.place} {wrong}")

    async def run(self, keys: list[str], *words: str | bytes) -> Any:
        """What the script returns. Cancelled half-way, it closes the connection, and what the server did is not known.

        Raises:
            QuotaUnavailable: the server cannot be reached, or refuses; `Misconfigured` if that will not pass.
        """
        if time.monotonic() < self._left_alone_until:
            raise self._unavailable(f"{self._trouble}, a moment ago")
        loop = asyncio.get_running_loop()
        with self._lock:
            pool = self._pools.get(loop)
            if pool is None:
                for other in [other for other in self._pools if other.is_closed()]:
                    del self._pools[other]
                pool = self._pools[loop] = _Pool()
            pool.busy += 1
        try:
            return await self._ask(pool, keys, words)
        finally:
            with self._lock:
                pool.busy -= 1

    async def _ask(self, pool: _Pool, keys: list[str], words: tuple[str | bytes, ...]) -> Any:
        from redis.exceptions import ConnectionError, RedisError, ResponseError

        passes = True
        until = asyncio.get_running_loop().time() + self._timeout_s
        try:
            if pool.places.locked():  # else no timer for nothing
                async with asyncio.timeout_at(until):
                    await pool.places.acquire()
            else:
                await pool.places.acquire()
            try:
                reply = await self._evaluate(pool, keys, words, until)
            finally:
                pool.places.release()
            self._left_alone_until = float("-inf")
            return reply
        except (RedisError, OSError, TimeoutError) as error:
            said = redacted(_WHERE_IN_SCRIPT.sub("", str(error)), _passwords(self._url.reveal()))
            kind = type(error).__name__
            why = f"{kind}: {said}"
            if isinstance(error, TimeoutError):
                why = f"no answer in {self._timeout_s:g} s"
                if self.place.startswith("rediss:") and not self.serves:
                    why += ", as from a port that does not speak TLS"
            elif re.search("closed by server|reset by peer", why) and not self.serves:
                why += "; so does a port that speaks TLS (rediss://), or a proxy that does not know EVALSHA"
            for pattern, remedy in _REMEDIES:
                if re.search(pattern, why):
                    why, passes = f"{why}; {remedy}", False
                    break
            if isinstance(error, ConnectionError | OSError | TimeoutError) and not isinstance(error, ResponseError):
                self._left_alone_until = time.monotonic() + ASK_AGAIN_S
        # Out here, where the server's own words are not its context.
        raise self.unusable(why, passes=passes)

    async def _evaluate(self, pool: _Pool, keys: list[str], words: tuple[str | bytes, ...], until: float) -> Any:
        from redis.exceptions import ConnectionError, NoScriptError, ReadOnlyError

        asked = (len(keys), *keys, *words)
        kept = bool(pool.idle)
        connection = pool.idle.pop() if kept else self._connection()
        half = (asyncio.get_running_loop().time() + until) / 2  # of what the wait for a place has left
        for last in (False, True):
            try:
                async with asyncio.timeout_at(half if kept and not last else until):
                    if not connection.is_connected:  # asked otherwise, it makes ready to try again and again
                        await connection.connect()  # type: ignore[no-untyped-call]
                    await connection.send_command("EVALSHA", self._digest, *asked)
                    try:
                        reply = await connection.read_response()
                    except NoScriptError:
                        await connection.send_command("EVAL", self._script, *asked)
                        reply = await connection.read_response()
            except BaseException as error:
                is_stale = isinstance(error, ConnectionError | ReadOnlyError | OSError | TimeoutError)
                is_stale = is_stale or "READONLY" in str(error)  # before Redis 7, within what is said of the script
                if not is_stale and isinstance(error, Exception) and connection.is_connected:
                    pool.idle.append(connection)  # it has answered, if only that it will not
                    raise
                self.breaks += 1
                if not is_stale:
                    await connection.disconnect(nowait=True)
                    raise
                for stale in (connection, *pool.idle):
                    await stale.disconnect(nowait=True)
                pool.idle.clear()
                if last:
                    raise
                connection = self._connection()
            else:
                pool.idle.append(connection)
                return reply
        raise AssertionError

    async def aclose(self) -> None:
        """Closes the connections of this loop, unless one is in use."""
        loop = asyncio.get_running_loop()
        with self._lock:
            found = self._pools.get(loop)
            pool = None if found is None or found.busy else self._pools.pop(loop)
        for connection in [] if pool is None else pool.idle:
            await connection.disconnect()

    def _connection(self) -> AbstractConnection:
        from redis.asyncio import ConnectionPool
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        url = self._url.reveal()
        pool = ConnectionPool.from_url(
            url,
            **({} if "protocol=" in url else {"protocol": 2}),  # 3 takes a round trip
            **({"driver_info": None} if find_spec("redis.driver_info") else {"lib_name": None, "lib_version": None}),
            retry=Retry(NoBackoff(), 0),  # see `_evaluate`
            socket_timeout=None,
            socket_connect_timeout=None,
            **({} if url.startswith("unix") else {"socket_keepalive": True, "socket_keepalive_options": _keep_alive()}),
        )
        return pool.connection_class(**pool.connection_kwargs)

    def served(self) -> None:
        """Ends the trouble, if there was any: that some other step goes well does not."""
        self.serves = True
        if self._trouble is not None:
            self._trouble = None
            _log.info("%s: the quota store can be used again", self.place)

    def unusable(self, why: str, *, passes: bool = False) -> QuotaUnavailable:
        """The error that says why the server cannot be used; said in the log once, while it lasts."""
        if self._trouble != why and (passes or self.serves):
            level = logging.WARNING if passes else logging.ERROR
            _log.log(level, "%s: the quota store cannot be used: %s", self.place, why)
        self._trouble, self._passes = why, passes
        return self._unavailable(why)

    def _unavailable(self, why: str) -> QuotaUnavailable:
        if not self._passes and not self.serves:
            return Misconfigured(f"the quota store {self.place} cannot be used ({why}), so nothing was sent")
        return QuotaUnavailable(
            f"the quota store {self.place} cannot be used ({why}), so nothing was sent; see whether it runs, or state "
            "what to do without it (RedisStore(fallback_share=...) or unavailable='wait')"
        )


def _keep_alive() -> dict[int, int]:
    """Keeps firewalls from dropping idle connections."""
    wanted = {"TCP_KEEPIDLE": _KEEP_ALIVE_S, "TCP_KEEPINTVL": _KEEP_ALIVE_S, "TCP_KEEPCNT": 3}
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}


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
