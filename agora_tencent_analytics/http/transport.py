"""The one place that touches the network: a request goes out, a response or a `TransportError` comes back.

It knows no retries, no limits and no vendors. Everything that aiohttp can raise becomes an error of ours
(`failures.py`). What leaves here leaves once: aiohttp's own silent repetition of a GET on a broken kept-alive
connection is switched off, and redirects are not followed, because each would be an arrival at the vendor that nobody
counted.

An answer is read up to a bound and no further, counted after decompression: a few hundred kilobytes of gzip can be
hundreds of megabytes of body. No answer of a vendor's shrinks so well, so a body that is many times what came over the
wire is not read to its end either. aiohttp unpacks piece by piece: from 3.14 on a piece is at most what is asked for
here, in 3.13 it fails above 32 MB. By one or two of these may memory exceed the bound.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import warnings
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import lru_cache
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from agora_tencent_analytics._version import __version__
from agora_tencent_analytics.errors import AnalyticsError, BadInput, ProviderClosed, UnreadableReply
from agora_tencent_analytics.http.failures import mapped
from agora_tencent_analytics.http.proxies import Proxies
from agora_tencent_analytics.http.timeouts import Timeouts
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.secret import Secret

if TYPE_CHECKING:
    import aiohttp
    from multidict import CIMultiDict

    from agora_tencent_analytics.http.watch import Watched

MOST_BODY_BYTES = 32 * 2**20
"""The largest body that is read, unless another bound is given: 32 MB, many times a vendor's largest answers."""
_MOST_RATIO = 500
"""How many times what came over the wire a body may be, once it is large: rows that differ in their ids alone shrink to
a fortieth, series of the same times and zeros to a two-hundredth, and nothing to less than a thousandth."""
_LARGE = 8 * 2**20
_PIECE = 2**20
_MOST_FIELD_BYTES = 2**16  # of a header: gateways add more than the eight kilobytes that aiohttp takes by itself
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_OURS = frozenset({"authorization", "host", "content-length", "transfer-encoding", "user-agent"})

USER_AGENT = f"agora-tencent-analytics/{__version__} (Python; aiohttp)"


@runtime_checkable
class Transport(Protocol):
    """Where requests go. Tests and unusual networks bring their own.

    One that says by an attribute `closed` that it sends no more is not offered a request, which would cost a slot.
    """

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        """Sends once and reads the answer to its end.

        Args:
            request: what to send, byte for byte; its headers are plain text, the secrets among them.
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


def check_transport(transport: object) -> Transport:
    """The transport.

    Raises:
        BadInput: it lacks one of the methods.
    """
    if not isinstance(transport, Transport):
        raise BadInput(
            f"transport must have the methods send and aclose of a Transport, {type(transport).__name__} lacks one"
        )
    return transport


def check_open(transport: Transport) -> None:
    """Nothing, if the transport sends, as far as it says.

    Raises:
        ProviderClosed: it does not.
    """
    if getattr(transport, "closed", False):
        raise ProviderClosed(
            "the transport is closed, or the session that it was given is closed or belongs to another event loop; "
            "make a new one"
        )


def _checked_headers(headers: Mapping[str, str], user_agent: str) -> dict[str, str]:
    """The headers of each request.

    Raises:
        BadInput: one of them cannot be sent, or is the library's to set. It may be a secret: its value is not repeated.
    """
    if not isinstance(headers, Mapping):
        raise BadInput(f"headers must be a mapping of names to texts, not {type(headers).__name__}")
    for name, value in [("user_agent", user_agent), *headers.items()]:
        texts = isinstance(name, str) and isinstance(value, str)
        if not (texts and _FIELD_NAME.fullmatch(name) and value.isprintable()):
            raise BadInput(f"headers and user_agent take text that can be sent on one line, unlike that of {name!r}")
        if name.lower() in _OURS:
            raise BadInput(f"headers cannot have {name!r}, which the library sets; user_agent= adds to that one")
    return {**headers, "User-Agent": f"{USER_AGENT} {user_agent}".rstrip()}


class AiohttpTransport:
    """Sends by aiohttp, from any event loop; each has connections of its own, which close with it.

    Args:
        session: the caller's own session (proxy, certificate authority, connector), for the loop that it belongs to. It
            is not closed here, but its silent repetition of requests is switched off, and the vendor's credentials go
            out though it has headers of its own (a Host among them is not sent) or reads a netrc file; one that checks
            no certificate is warned of. Waiting for a place in its connector counts as
            connecting. None: each loop has a session, made on first use.
        most_body_bytes: the largest body that is read, in bytes after decompression.
        proxy: the URL of an HTTP proxy for all but this machine, such as `http://user:password@host:3128`. None: no
            proxy but the session's own.
        trust_env: True takes the proxy that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, unless one is
            given. A netrc file is not read.
        ssl: which certificates are believed, for example of a company's own authority. None: what the session says, or
            else those of this machine.
        headers: sent with each request beside the vendor's own, which go before them: for a gateway on the way.
        user_agent: stands behind the library's own name in `User-Agent`, such as `"billing/1.4"`.

    Raises:
        BadInput: a header cannot be sent, or would take the place of the vendor's; `ssl` is not a context; the session
            authenticates by itself, which would clash with the vendor's credentials; the proxy is not the URL of one;
            or the bound is not at least 1.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        most_body_bytes: int = MOST_BODY_BYTES,
        proxy: str | Secret[str] | None = None,
        trust_env: bool = False,
        ssl: SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        user_agent: str = "",
    ) -> None:
        if most_body_bytes < 1:
            raise BadInput(f"most_body_bytes={most_body_bytes}: an answer has at least one byte")
        import aiohttp  # not with the first request: it takes a tenth of a second, in which a loop would stand

        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise BadInput(f"session must be an aiohttp.ClientSession, not {type(session).__name__}")
        if ssl is not None and not isinstance(ssl, SSLContext):
            raise BadInput(f"ssl must be an ssl.SSLContext, not {type(ssl).__name__}")
        from multidict import CIMultiDict
        from yarl import URL

        from agora_tencent_analytics.http.watch import WatchedConnector

        self._parsed, self._connector = URL.build, WatchedConnector
        self._headers: CIMultiDict[str] = CIMultiDict(_checked_headers({} if headers is None else headers, user_agent))
        self._ssl: SSLContext | bool = True if ssl is None else ssl
        if session is not None and session.auth is not None:
            raise BadInput("session= must not have auth=: the credentials of the vendor are put into each request")
        if session is not None and _trusts_anybody(session.connector):
            warnings.warn(
                "the session that was given checks no certificate (ssl=False): whoever is on the way reads the keys",
                stacklevel=2,
            )
        self._given = session
        if proxy is not None and not isinstance(proxy, str | Secret):
            raise BadInput(f"proxy must be the URL of one, not {type(proxy).__name__}")
        if not isinstance(trust_env, bool):
            raise BadInput(f"trust_env must be True or False, not {trust_env!r}")
        self._proxies = Proxies(proxy) if trust_env or proxy is not None else None
        self._most_body_bytes = most_body_bytes
        self._own: dict[asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[None]]] = {}
        self._closed = False

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        """Sends once and reads the answer to its end; see `Transport.send`."""
        known = self._own.get(asyncio.get_running_loop())
        session = await self._session() if known is None else known[0]
        proxy = self._proxies.to(request.url) if self._proxies else None
        # A session of our own adds nothing to what it is given, and begins to look for a connection at once.
        own = handed_over = self._given is None
        # Of a session of our own `watch.py` sees to the rest.
        rest_of_limits = () if own else (timeouts.total_s, timeouts.read_s)

        async def hand_over(sent: aiohttp.ClientRequest, go_on: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            nonlocal handed_over
            handed_over = True
            if "Host" in session.headers:  # of the caller's session: it would be another's
                sent.headers["Host"] = sent.url.host_port_subcomponent or ""
            sent.headers.update(self._with_ours(request))
            return await go_on(sent)

        attempt: Watched | None = None
        try:
            address, _, query = request.url.partition("?")
            if own:
                attempt = session.connector.begin(timeouts)  # type: ignore[union-attr]
            response = await session.request(
                request.method,
                self._parsed(query_string=query, encoded=True, **_parts(address)),
                data=request.body or None,
                headers=self._with_ours(request) if own else None,
                ssl=self._ssl,
                timeout=_limits(timeouts.connect_s, *rest_of_limits),
                allow_redirects=False,
                # A session of the caller's may have been told otherwise.
                raise_for_status=False,
                auto_decompress=True,
                max_field_size=_MOST_FIELD_BYTES,
                proxy=proxy.reveal() if proxy else None,
                middlewares=() if own else (*session._middlewares, hand_over),
            )
            try:
                answered()
                body = await self._read(response, request, attempt)
            except BaseException:
                response.release()
                raise
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Response(status=response.status, headers=headers, body=body)
        except BaseException as error:
            late = attempt.late() if attempt is not None and attempt.late and attempt.was_late() else error
            if isinstance(late, AnalyticsError) or not isinstance(late, Exception):
                # aiohttp's frames hold the headers as text, and crash reports list the variables of every frame.
                error.__context__ = None
                raise error.with_traceback(None) from None
            failure = mapped(late, request, timeouts, session, self._proxies, handed_over=handed_over)
            del late  # else this frame and the error keep each other
        finally:
            if attempt is not None:
                attempt.over()
                attempt = None  # else this frame, the task and its error keep each other
        # Raised out here, where it is neither chained to aiohttp's error nor has it as its context: some of
        # those carry the request with its Authorization header.
        try:
            raise failure
        finally:
            del failure  # else this frame and the error keep each other

    def _with_ours(self, request: Request) -> CIMultiDict[str]:
        """All headers of a request, the vendor's first. No frame that waits keeps them: crash reports list these."""
        together = self._headers.copy()
        together.update(request.headers)
        for name, value in request.secrets.items():
            together[name] = value.reveal()
        return together

    async def _read(self, response: aiohttp.ClientResponse, request: Request, attempt: Watched | None) -> bytes:
        """The whole body, decompressed.

        Raises:
            UnreadableReply: it is larger than the bound.
        """
        content, size = response.content, 0
        pieces: list[bytes] = []
        # An old name of gzip, which aiohttp does not know.
        unzip = (
            zlib.decompressobj(wbits=31) if response.headers.get("Content-Encoding", "").lower() == "x-gzip" else None
        )
        while not pieces or not content.at_eof():
            if attempt is not None:
                attempt.heard()
            # Of a small answer all has come with its head: to wait for it costs a tenth as much as to send the request.
            piece = content.read_nowait(_PIECE) if content.is_eof() else await content.read(_PIECE)
            if unzip is not None:
                piece = unzip.decompress(piece, self._most_body_bytes + 1 - size)
            size += len(piece)
            swollen = size > _LARGE and size > _MOST_RATIO * content.total_raw_bytes
            if size > self._most_body_bytes or swollen:
                # If all of it came, its connection awaits the next request, and reads nothing while this is left lying.
                while content.is_eof() and not content.at_eof():
                    content.read_nowait(_PIECE)
                pieces.clear()  # an error holds its frames, and those what they hold
                most = f"{_MOST_RATIO} times what came" if swollen else f"{self._most_body_bytes} bytes"
                raise UnreadableReply(
                    f"it is larger than {most} and was not read to its end",
                    endpoint=request.endpoint,
                    status=response.status,
                    too_large=True,
                )
            pieces.append(piece)
        if unzip is not None and not unzip.eof:
            raise EOFError("the gzip ends in the middle")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _session(self) -> aiohttp.ClientSession:
        if self._given is not None:
            check_open(self)
            self._given._retry_connection = False
            return self._given
        loop = asyncio.get_running_loop()
        if loop not in self._own:
            import aiohttp

            check_open(self)

            for other in [other for other in self._own if other.is_closed()]:
                del self._own[other]
            # The quota bounds what is in flight; a second bound here would only hide waiting inside a timeout.
            session = aiohttp.ClientSession(connector=self._connector(limit=0), cookie_jar=aiohttp.DummyCookieJar())
            session._retry_connection = False
            keeping = _keep(session)
            await anext(keeping)
            self._own[loop] = session, keeping
        return self._own[loop][0]

    @property
    def closed(self) -> bool:
        """True if nothing is sent any more: it was closed, or the session that it was given.

        Or that belongs to another event loop than the running one.
        """
        given = self._given
        if self._closed or given is None:
            return self._closed
        return given.closed or given._loop is not asyncio.get_running_loop()

    def reopen(self) -> None:
        """Sends again after `aclose`."""
        self._closed = False

    async def aclose(self) -> None:
        """Closes the sessions that were made here; those of other loops close there."""
        self._closed = True
        own, self._own = self._own, {}
        _, keeping = own.get(asyncio.get_running_loop(), (None, None))
        if keeping is not None:
            await keeping.aclose()


@lru_cache(maxsize=256)  # yarl takes apart what it is given as a whole, which is half of what a new query costs there
def _parts(address: str) -> dict[str, Any]:
    """What a URL is made of, up to its query."""
    from yarl import URL

    url = URL(address, encoded=True)
    return {"scheme": url.scheme, "authority": url.raw_authority, "path": url.raw_path}


@lru_cache(maxsize=16)
def _limits(connect_s: float, total_s: float | None = None, read_s: float | None = None) -> aiohttp.ClientTimeout:
    """What is left to aiohttp: how long connecting may take, and all the rest where nobody else sees to it."""
    import aiohttp

    # `connect` covers the name lookup, `sock_connect` each address that is tried.
    return aiohttp.ClientTimeout(total=total_s, connect=connect_s, sock_connect=connect_s, sock_read=read_s)


def _trusts_anybody(connector: aiohttp.BaseConnector | None) -> bool:
    checks = getattr(connector, "_ssl", True)
    return checks is False or (isinstance(checks, ssl.SSLContext) and checks.verify_mode is ssl.CERT_NONE)


async def _keep(session: aiohttp.ClientSession) -> AsyncGenerator[None]:
    """Closes the session on its own loop when that ends, or when this generator is closed or forgotten.

    As loops do with every asynchronous generator that was begun on them.
    """
    try:
        yield
    finally:
        await session.close()
