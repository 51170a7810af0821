"""`Proxies`: which proxy stands between here and an address, as it was given or as the environment says.

Reads the variables that other programs read (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`) and nothing else: a
netrc file, which aiohttp reads together with them (`trust_env`), could take the place of the vendor's credentials.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.secret import Secret, secret

if TYPE_CHECKING:
    import aiohttp

_HERE = ("localhost", "127.", "[::1]", "::1")


class Proxies:
    """The proxies of one transport.

    Args:
        given: the URL of a proxy for every address but this machine's; None: the environment says.

    Raises:
        BadInput: it is not the URL of a proxy that can be used, or one that the environment names is not.
    """

    def __init__(self, given: str | Secret[str] | None) -> None:
        self._from_environment = given is None
        if given is None:
            found = {scheme: url for scheme, url in getproxies().items() if scheme in ("http", "https", "all") and url}
            self._by_scheme = {scheme: _checked(url, f"{scheme.upper()}_PROXY") for scheme, url in found.items()}
        else:
            self._by_scheme = {"all": _checked(given, "proxy")}

    def to(self, url: str) -> Secret[str] | None:
        """The proxy on the way to an address; None if there is none."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host.startswith(_HERE) or (self._from_environment and proxy_bypass(host)):
            return None
        return self._by_scheme.get(parts.scheme) or self._by_scheme.get("all")

    def named(self, url: str) -> str:
        """The proxy on the way to an address in words that may follow its name; `""` if there is none."""
        proxy = self.to(url)
        if proxy is None:
            return ""
        by = " (named by the environment)" if self._from_environment else ""
        return f" through the proxy {urlsplit(proxy.reveal()).netloc.rpartition('@')[2]}{by}"

    def passwords(self) -> Iterator[str]:
        """Their passwords, as they are written and as they are sent."""
        for proxy in self._by_scheme.values():
            yield from _passwords(proxy.reveal())


def passwords_of(session: aiohttp.ClientSession) -> Iterator[str]:
    """The passwords of the proxies that a session may use, as they are written and as they are sent."""
    for url in (str(getattr(session, "_default_proxy", None) or ""), *getproxies().values()):
        yield from _passwords(url)
    auth = getattr(session, "_default_proxy_auth", None)
    if auth is not None:
        yield from (auth.password, auth.encode().rpartition(" ")[2])


def _passwords(url: str) -> Iterator[str]:
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    yield from (password, unquote(password), b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode())


def _checked(given: str | Secret[str], name: str) -> Secret[str]:
    url = secret(given)
    if "://" not in url.reveal():
        url = Secret(f"http://{url.reveal()}")
    if not _is_usable(url):
        # It may hold a password: nothing of it is repeated.
        raise BadInput(f"{name} must be like http://user:password@host:3128 (a SOCKS proxy cannot be used)")
    return url


def _is_usable(url: Secret[str]) -> bool:
    try:
        parts = urlsplit(url.reveal())
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
