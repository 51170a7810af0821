"""A session of the caller's, as careless as it may be: the vendor's credentials go to the vendor, or it is said."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agora_tencent_analytics import AiohttpTransport, Request, Timeouts
from tests.support.scripted_server import Line, answer, serving


def sent_by(session: Callable[[], aiohttp.ClientSession]) -> str:
    """The head of a request that goes out through it, with its address in the place of the port's number."""
    heads: list[str] = []

    async def script(line: Line, request: bytes) -> None:
        heads.append(request.decode("latin-1"))
        await line.say(answer())

    async def scenario() -> None:
        async with serving(script) as server, session() as given:
            request = Request(method="GET", url=server.url + "/x", headers={"Authorization": "the vendor's"})
            transport = AiohttpTransport(given)
            await transport.send(request, timeouts=Timeouts(), answered=lambda: None)
            heads[0] = heads[0].replace(server.url.partition("//")[2], "the-server")

    asyncio.run(scenario())
    return heads[0]


def test_a_host_of_its_own_is_not_sent() -> None:
    head = sent_by(lambda: aiohttp.ClientSession(headers={"Host": "elsewhere.test"}))
    assert "Host: the-server\r\n" in head
    assert "elsewhere" not in head


@pytest.mark.parametrize("own", [{"trust_env": True}, {"headers": {"Authorization": "Basic of-the-session"}}])
def test_credentials_of_its_own_do_not_take_the_place_of_the_vendors(
    own: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password of-the-user\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    head = sent_by(lambda: aiohttp.ClientSession(**own))
    assert 1 == head.count("uthorization")
    assert "Authorization: the vendor's\r\n" in head


def anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize("checks", [False, "none of them"])
def test_one_that_checks_no_certificate_is_warned_of(checks: bool | str) -> None:
    async def scenario() -> None:
        connector = aiohttp.TCPConnector(ssl=anybody() if checks else False)
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.warns(UserWarning, match="checks no certificate"):
                AiohttpTransport(session)

    asyncio.run(scenario())


def test_one_that_checks_certificates_is_not() -> None:
    async def scenario() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=ssl.create_default_context())) as session:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                AiohttpTransport(session)

    asyncio.run(scenario())
