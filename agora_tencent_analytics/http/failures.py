"""What aiohttp raises, as the library's own errors: which phase failed, and whether anything can have left.

**What certainly did not leave** is told (`TransportError.left`), so that it is not charged. The evidence is positive:
either aiohttp says by the kind of its error that it got no connection to write to (no name, nothing that listens, no
TLS, a proxy that refuses to connect), or the error came before aiohttp began to look for one (`handed_over`). All else
may have left: a kept connection that broke, a proxy that breaks off while it connects, the time limit of the whole.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal

from agora_tencent_analytics.errors import AnalyticsError, TransportError, UnreadableReply
from agora_tencent_analytics.http.proxies import Proxies, passwords_of
from agora_tencent_analytics.http.timeouts import Timeouts
from agora_tencent_analytics.message import Request
from agora_tencent_analytics.secret import redacted

if TYPE_CHECKING:
    import aiohttp


def mapped(
    error: Exception,
    request: Request,
    timeouts: Timeouts,
    session: aiohttp.ClientSession,
    proxies: Proxies | None,
    *,
    handed_over: bool,
) -> AnalyticsError:
    """One foreign error as ours: which phase failed, whether by time, and whether anything can have left."""
    import aiohttp

    host = request.url.split("/", 3)[2]
    there = host + (proxies.named(request.url) if proxies else "")
    if isinstance(error, aiohttp.ClientProxyConnectionError) and not proxies:
        there = f"{host} through the proxy {error.host}:{error.port}"
    phase: Literal["connect", "read", "total"] = "read"
    left = handed_over
    no_connection = aiohttp.ClientConnectorError, aiohttp.ServerFingerprintMismatch, aiohttp.InvalidURL
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        phase, left, what = "connect", False, f"no connection to {there} within {timeouts.connect_s:g} s"
    elif isinstance(error, aiohttp.SocketTimeoutError):
        what = f"{host} was silent for {timeouts.read_s:g} s"
    elif isinstance(error, TimeoutError):
        phase, what = "total", f"{host} took longer than {timeouts.total_s:g} s for one answer"
    elif isinstance(error, no_connection) or (isinstance(error, UnicodeError) and not _can_be_a_name(host)):
        phase, left, what = "connect", False, f"no connection to {there} ({_why(error)})"
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        phase, left = "connect", False
        what = f"no connection to {there}: the proxy refuses it with {error.status} ({error.message})"
    elif not handed_over:
        phase, what = "connect", f"the session did not send it ({type(error).__name__}: {error})"
    elif isinstance(error, ssl.SSLError):
        phase, what = "connect", f"no connection to {host} ({error})"
    elif _is_too_long(error):
        return UnreadableReply(
            f"a line of the head that {host} sent is longer than is read",
            endpoint=request.endpoint,
            status=0,
            too_large=True,
        )
    elif isinstance(error, aiohttp.ClientResponseError):
        what = f"the answer of {host} is not HTTP ({error.message})"
    else:
        what = f"the answer of {host} broke off ({type(error).__name__}: {error})"
    what = redacted(what, proxies.passwords() if proxies else passwords_of(session))
    return TransportError(
        f"{request.endpoint}: {' '.join(what.split())}",
        endpoint=request.endpoint,
        phase=phase,
        timed_out=isinstance(error, TimeoutError),
        left=left,
    )


def _why(error: Exception) -> str:
    """Why there is no connection; the two common reasons without the words of aiohttp and the operating system."""
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no address is known for the name {error.host}"
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return f"nothing listens at {error.host}:{error.port}"
    return str(error)


def _can_be_a_name(host: str) -> bool:
    try:
        host.partition(":")[0].encode("idna")
    except UnicodeError:
        return False
    return True


def _is_too_long(error: BaseException | None) -> bool:
    from aiohttp.http_exceptions import LineTooLong

    while error is not None and not isinstance(error, LineTooLong):
        error = error.__cause__ or error.__context__
    return error is not None
