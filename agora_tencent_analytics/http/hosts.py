"""Which of a vendor's hosts the next attempt goes to.

The addresses stay in the caller's order, and each one that failed stands behind the others for a while. Instants are
arguments; whether to ask again is decided in `client.py`.

A host that fails rests, and rests twice as long when it fails again right after; one answer, whatever it says, ends
that. While all of them rest the one whose rest ends first is asked: there is no attempt without a host.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from agora_tencent_analytics.errors import BadInput

_HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_LOOPBACK_6 = IPv6Address("::1")
FIRST_REST_S = 30.0
"""How long a host that failed stands behind the others, seconds; doubled for each further failure in a row."""
LONGEST_REST_S = 900.0
"""The longest that it does."""


class Hosts:
    """The addresses of one vendor that hold the same data; one object for each provider.

    Args:
        urls: base URLs that credentials may be sent to, the preferred one first; at least one.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self.urls: tuple[str, ...] = tuple(urls)
        self._failures = dict.fromkeys(self.urls, 0)
        self._rests_until: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Hosts {', '.join(self.urls)}>"

    def pick(self, now: float, *, besides: str | None = None) -> str:
        """The host to ask at `now`, monotonic seconds.

        Args:
            now: the instant.
            besides: a host that has just failed; another is preferred, if there is one.
        """
        if not self._rests_until and besides is None:
            return self.urls[0]
        others = [url for url in self.urls if url != besides] or self.urls
        return min(others, key=lambda url: max(now, self._rests_until.get(url, now)))

    def failed(self, url: str, now: float) -> None:
        """It could not be reached, or its answer not be read to the end."""
        if now >= self._rests_until.get(url, now):  # what fails together counts once
            self._failures[url] += 1
        doubled = 2.0 ** min(self._failures[url] - 1, 10)
        self._rests_until[url] = now + min(LONGEST_REST_S, FIRST_REST_S * doubled)

    def answered(self, url: str) -> None:
        """It answered."""
        if self._rests_until:
            self._rests_until.pop(url, None)
            self._failures[url] = 0


def hosts_of(base_url: str | Sequence[str]) -> Hosts:
    """The hosts of these addresses, each once and each fit for credentials.

    Raises:
        BadInput: one of them is not, or there is none.
    """
    urls = base_url if isinstance(base_url, list | tuple) else [base_url]
    if not urls:
        raise BadInput("base_url must name at least one host")
    return Hosts(list(dict.fromkeys(check_base_url(url) for url in urls)))


def check_base_url(base_url: Any) -> str:
    """A base URL that credentials may be sent to: HTTPS, or plain HTTP to this machine.

    Raises:
        BadInput: anything else.
    """
    bad = BadInput("base_url must look like https://host[:port], without user, query, fragment or spaces")
    if not isinstance(base_url, str) or not (base_url.isascii() and base_url.isprintable()):
        raise bad
    # A bare "?" or "#" leaves no trace in the parts, yet would swallow the path; a backslash is a slash to some.
    if any(sign in base_url for sign in ' ?#@\\"<>^`{|}'):
        raise bad
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise bad from None
    if not host or not (_HOST_NAME.fullmatch(host) or _address(host)):
        raise bad
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_local(host)):
        raise BadInput(f"base_url must use https (plain http goes to this machine only), not {parts.scheme}://{host}")
    return base_url.rstrip("/")


def _is_local(host: str) -> bool:
    """127.0.0.0/8, ::1 and the name `localhost`, however the Python at hand widens what it calls loopback."""
    address = _address(host)
    if isinstance(address, IPv4Address):
        return address.is_loopback
    return host == "localhost" if address is None else address == _LOOPBACK_6


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
