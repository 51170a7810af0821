"""The one place that touches the network: a request goes out, a response or a `TransportError` comes back.

Holds no retry, no limit and no vendor. Everything that aiohttp can raise is mapped here, once. What leaves
here leaves once: aiohttp's own silent repetition of a GET on a broken kept-alive connection is switched
off, and redirects are not followed, because each would be an arrival at the vendor that nobody counted.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

import attrs

from agora_tencent_analytics._version import __version__
from agora_tencent_analytics.errors import BadInput, TransportError
from agora_tencent_analytics.message import Request, Response

if TYPE_CHECKING:
    import aiohttp

__all__ = ["AiohttpTransport", "Timeouts", "Transport"]

USER_AGENT = f"agora-tencent-analytics/{__version__} (Python; aiohttp)"


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long one attempt may take, in seconds. Waiting for quota never counts."""

    connect_s: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))
    """Name lookup, TCP and TLS together."""
    read_s: float = attrs.field(default=30.0, validator=attrs.validators.gt(0))
    """The longest silence while waiting for the answer or between two pieces of it."""
    total_s: float = attrs.field(default=120.0, validator=attrs.validators.gt(0))
    """One attempt from beginning to end."""
    deadline_s: float | None = None
    """All attempts of one ask together, pauses and quota waits included. None: no such limit."""


class Transport(Protocol):
    """Where requests go. Tests and unusual networks bring their own."""

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        """Sends once and reads the answer to its end.

        Args:
            request: what to send, byte for byte.
            timeouts: the limits of this attempt.
            answered: to be called when the response's headers are in; an exception counts by itself.

        Raises:
            TransportError: nothing, or not everything, came back.
        """
        ...

    async def aclose(self) -> None:
        """Frees what was opened. May be called again."""
        ...


class AiohttpTransport:
    """Sends by aiohttp.

    Args:
        session: the caller's own session (proxy, certificate authority, connector). It is not closed here,
            but its silent repetition of requests is switched off. Waiting for a place in its connector counts
            as connecting. None: a session is made on first use.

    Raises:
        BadInput: the session authenticates by itself, which would clash with the vendor's credentials.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        if getattr(session, "auth", None) is not None:
            raise BadInput("session= must not have auth=: the credentials of the vendor are put into each request")
        self._given = session
        self._own: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        """Sends once and reads the answer to its end; see `Transport.send`."""
        import aiohttp
        from yarl import URL

        # `connect` covers the name lookup, `sock_connect` each address that is tried.
        limits = aiohttp.ClientTimeout(
            total=timeouts.total_s,
            connect=timeouts.connect_s,
            sock_connect=timeouts.connect_s,
            sock_read=timeouts.read_s,
        )
        session = self._session()
        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),
                data=request.body or None,
                headers={"User-Agent": USER_AGENT, **request.headers},
                timeout=limits,
                allow_redirects=False,
                # A session of the caller's may have been told otherwise.
                raise_for_status=False,
                auto_decompress=True,
            ) as response:
                answered()
                body = await response.read()
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Response(status=response.status, headers=headers, body=body)
        except (TimeoutError, aiohttp.ClientError, ssl.SSLError, OSError) as error:
            mapped = _mapped(error, request, timeouts)
        # Raised out here, where it is neither chained to aiohttp's error nor has it as its context: some of
        # those carry the request with its Authorization header.
        raise mapped

    def _session(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._closed:
            raise RuntimeError("this provider is closed; make a new one")
        session = self._given or self._own
        if session is None:
            # The quota bounds what is in flight; a second bound here would only hide waiting inside a timeout.
            session = self._own = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
            )
        session._retry_connection = False
        return session

    async def aclose(self) -> None:
        """Closes the session that was made here, if any."""
        self._closed = True
        session, self._own = self._own, None
        if session is not None:
            await session.close()


def _mapped(error: Exception, request: Request, timeouts: Timeouts) -> TransportError:
    """One foreign error as ours: which phase failed, and whether by time."""
    import aiohttp

    phase: Literal["connect", "read", "total"] = "read"
    timed_out = isinstance(error, asyncio.TimeoutError)
    host = request.url.split("/", 3)[2]
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        phase, what = "connect", f"no connection to {host} within {timeouts.connect_s:g} s"
    elif isinstance(error, aiohttp.SocketTimeoutError):
        what = f"{host} was silent for {timeouts.read_s:g} s"
    elif timed_out:
        phase, what = "total", f"{host} took longer than {timeouts.total_s:g} s for one answer"
    elif isinstance(error, aiohttp.ClientConnectorError | ssl.SSLError):
        phase, what = "connect", f"no connection to {host} ({error})"
    elif isinstance(error, aiohttp.ClientResponseError):
        what = f"the answer of {host} is not HTTP ({error.message})"
    else:
        what = f"the answer of {host} broke off ({type(error).__name__}: {error})"
    what = " ".join(what.split())
    return TransportError(f"{request.endpoint}: {what}", endpoint=request.endpoint, phase=phase, timed_out=timed_out)
