"""The one place that touches the network: a request goes out, a response or a `TransportError` comes back.

Holds no retry, no limit and no vendor. Everything that aiohttp can raise is mapped here, once. What leaves
here leaves once: aiohttp's own silent repetition of a GET on a broken kept-alive connection is switched
off, and redirects are not followed, because each would be an arrival at the vendor that nobody counted.

An answer is read up to a bound and no further, counted after decompression: a few hundred kilobytes of gzip can be
hundreds of megabytes of body. aiohttp unpacks them piece by piece: from 3.14 on a piece is at most what is asked for
here, from 3.13.3 on it fails above 32 MB, before that it is what one read from the socket holds, which a hostile server
can make 250 MB. By one or two of these may memory exceed the bound.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

import attrs

from agora_tencent_analytics._version import __version__
from agora_tencent_analytics.errors import BadInput, TransportError, UnreadableReply
from agora_tencent_analytics.message import Request, Response

if TYPE_CHECKING:
    import aiohttp

MOST_BODY_BYTES = 256 * 2**20
"""The largest body that is read, unless another bound is given: 256 MB, many times a vendor's largest answers."""
_PIECE = 2**20
_MOST_IDLE_S = 15.0

USER_AGENT = f"agora-tencent-analytics/{__version__} (Python; aiohttp)"


def _check_seconds(_: object, field: attrs.Attribute[float], value: object) -> None:
    if not (isinstance(value, int | float) and 0 < value < math.inf):
        raise BadInput(f"{field.name} must be a number of seconds, more than 0, not {value!r}")


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long one attempt may take, in seconds. Waiting for quota never counts.

    Raises:
        BadInput: a figure is not a finite number above 0.
    """

    connect_s: float = attrs.field(default=10.0, validator=_check_seconds)
    """Name lookup, TCP and TLS together."""
    read_s: float = attrs.field(default=30.0, validator=_check_seconds)
    """The longest silence while waiting for the answer or between two pieces of it."""
    total_s: float = attrs.field(default=120.0, validator=_check_seconds)
    """One attempt from beginning to end."""
    deadline_s: float | None = attrs.field(default=None, validator=attrs.validators.optional(_check_seconds))
    """All attempts of one ask together, pauses and quota waits included. None: no such limit."""


class Transport(Protocol):
    """Where requests go. Tests and unusual networks bring their own.

    One that says by an attribute `closed` that it sends no more is not offered a request, which would cost a slot.
    """

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        """Sends once and reads the answer to its end.

        Args:
            request: what to send, byte for byte.
            timeouts: the limits of this attempt.
            answered: to be called when the response's headers are in; an exception counts by itself.

        Raises:
            TransportError: nothing, or not everything, came back.
            UnreadableReply: more came back than this transport reads.
        """
        ...

    async def aclose(self) -> None:
        """Frees what was opened. May be called again."""
        ...


def check_open(transport: Transport) -> None:
    """Nothing, if the transport sends, as far as it says.

    Raises:
        RuntimeError: it does not.
    """
    if getattr(transport, "closed", False):
        raise RuntimeError("this provider is closed, or the session that it was given; make a new one")


class AiohttpTransport:
    """Sends by aiohttp.

    Args:
        session: the caller's own session (proxy, certificate authority, connector). It is not closed here,
            but its silent repetition of requests is switched off. Waiting for a place in its connector counts
            as connecting. None: a session is made on first use.
        most_body_bytes: the largest body that is read, in bytes after decompression.

    Raises:
        BadInput: the session authenticates by itself, which would clash with the vendor's credentials; or the bound is
            not at least 1.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None, *, most_body_bytes: int = MOST_BODY_BYTES) -> None:
        if most_body_bytes < 1:
            raise BadInput(f"most_body_bytes={most_body_bytes}: an answer has at least one byte")
        if getattr(session, "auth", None) is not None:
            raise BadInput("session= must not have auth=: the credentials of the vendor are put into each request")
        self._given = session
        self._most_body_bytes = most_body_bytes
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
        session = self._session(timeouts)
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
                body = await self._read(response, request)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Response(status=response.status, headers=headers, body=body)
        except (TimeoutError, aiohttp.ClientError, ssl.SSLError, OSError, UnicodeError) as error:
            mapped = _mapped(error, request, timeouts)
        # Raised out here, where it is neither chained to aiohttp's error nor has it as its context: some of
        # those carry the request with its Authorization header.
        try:
            raise mapped
        finally:
            del mapped  # else this frame and the error keep each other

    async def _read(self, response: aiohttp.ClientResponse, request: Request) -> bytes:
        """The whole body, decompressed.

        Raises:
            UnreadableReply: it is larger than the bound.
        """
        content, pieces, size = response.content, list[bytes](), 0
        async for piece in content.iter_chunked(_PIECE):
            size += len(piece)
            if size > self._most_body_bytes:
                # If all of it came, its connection awaits the next request, and reads nothing while this is left lying.
                while content.is_eof() and not content.at_eof():
                    content.read_nowait(_PIECE)
                pieces.clear()  # an error holds its frames, and those what they hold
                raise UnreadableReply(
                    f"it is larger than {self._most_body_bytes} bytes and was not read to its end",
                    endpoint=request.endpoint,
                    status=response.status,
                )
            pieces.append(piece)
        return b"".join(pieces)

    def _session(self, timeouts: Timeouts) -> aiohttp.ClientSession:
        import aiohttp

        check_open(self)
        session = self._given or self._own
        if session is None:
            # The quota bounds what is in flight; a second bound here would only hide waiting inside a timeout.
            # After a large answer aiohttp 3.11 and 3.14 let its read timeout run on while the connection lies idle, and
            # then fail the next request unsent. So no connection lies idle for that long.
            idle_s = min(_MOST_IDLE_S, 0.9 * timeouts.read_s)
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=idle_s)
            session = self._own = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        session._retry_connection = False
        return session

    @property
    def closed(self) -> bool:
        """True if nothing is sent any more: it was closed, or the session that it was given."""
        return self._closed or (self._given is not None and self._given.closed)

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
    elif isinstance(error, aiohttp.ClientConnectorError | ssl.SSLError | UnicodeError):  # the last: no name at all
        phase, what = "connect", f"no connection to {host} ({error})"
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        phase, what = "connect", f"no connection to {host}: the proxy refuses it with {error.status} ({error.message})"
    elif isinstance(error, aiohttp.ClientResponseError):
        what = f"the answer of {host} is not HTTP ({error.message})"
    else:
        what = f"the answer of {host} broke off ({type(error).__name__}: {error})"
    what = " ".join(what.split())
    return TransportError(f"{request.endpoint}: {what}", endpoint=request.endpoint, phase=phase, timed_out=timed_out)
