"""A gateway that repeats what it was sent: whatever it says and wherever, no secret comes through."""

from __future__ import annotations

import asyncio
import html
import json
import logging
import pickle
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agora_tencent_analytics import (
    AgoraProvider,
    AnalyticsError,
    Quota,
    QuotaUnavailable,
    Request,
    Response,
    Retry,
    TencentProvider,
    Timeouts,
    TimeRange,
    TransportError,
    UnreadableReply,
    UnreadableRow,
    scan,
)
from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.http.redaction import Redaction
from agora_tencent_analytics.secret import REDACTED, Secret, redacted
from agora_tencent_analytics.tencent.sign import TencentCredentials
from agora_tencent_analytics.tencent.wire import TencentVendor
from tests.security.test_secrets import shown
from tests.support.in_turn import in_turn
from tests.support.long_runs import by_turns
from tests.support.virtual_time import EPOCH, VirtualClock, run

# With what has to be escaped in URLs, in JSON and in HTML.
SECRET = 'MARKER+of/a"secret<&>=key\\that%is-long-enough'
TOKEN = "TOKEN/of+an'sts&" + "0123456789abcdef" * 20
OVER = TimeRange(int(EPOCH) - 7200, int(EPOCH) - 3600)
VENDORS = ("agora", "tencent")
KEYS: dict[str, dict[str, Any]] = {
    "agora": {"app_id": "app1", "customer_id": "id7", "customer_secret": SECRET, "plan": "unlimited"},
    "tencent": {
        "sdk_app_id": 1400000000,
        "secret_id": "id7",
        "secret_key": SECRET,
        "token": TOKEN,
        "region": "ap-singapore",
        "plan": "unlimited",
    },
}
MADE: dict[str, Any] = {"agora": AgoraProvider, "tencent": TencentProvider}
PAIR = b64encode(f"id7:{SECRET}".encode()).decode()

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL, in small letters": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "in a URL, every character": lambda text: "".join(f"%{ord(char):02X}" for char in text),
    "in a URL, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON, with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "in JSON, every character": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "in HTML": html.escape,
    "in HTML, by numbers": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "in HTML, by hexadecimal numbers": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "in lines": lambda text: "\r\n ".join(re.findall(r".{1,20}", text)),
    "in lines of JSON": lambda text: "\\n".join(json.dumps(part)[1:-1] for part in re.findall(r".{1,16}", text)),
    "in lines of HTML": lambda text: "<br />".join(html.escape(part) for part in re.findall(r".{1,16}", text)),
    "in lines of a mail": lambda text: "=\r\n".join(re.findall(r".{1,20}", text)),
    "cut after twelve": lambda text: text[:12],
    "cut after twenty": lambda text: text[:20] + "...",
}


@in_turn("spelling", SPELLINGS)
@in_turn("value", [SECRET, TOKEN, PAIR])
def test_a_secret_is_struck_out_however_it_is_spelled(value: str, spelling: str) -> None:
    said = f"<b>Header: {SPELLINGS[spelling](value)}</b>"
    rest = "..." if spelling == "cut after twenty" else ""
    assert f"<b>Header: {REDACTED}{rest}</b>" == redacted(said, [value])


@given(
    before=st.text(max_size=30),
    after=st.text(max_size=30),
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60),
    spelling=st.sampled_from(sorted(SPELLINGS)),
)
def test_nothing_recognisable_of_a_secret_is_left_in_any_text(
    before: str, after: str, value: str, spelling: str
) -> None:
    said = SPELLINGS[spelling](value)
    left = redacted(f"{before}{said}{after}", [value])
    assert value[:12] not in left
    assert said not in left


@given(text=st.text())
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert text == redacted(text, [SECRET, TOKEN, PAIR, "short"])


def test_a_huge_text_is_searched_in_time() -> None:
    text = "%" * (4 << 20) + SECRET
    assert "%" * (4 << 20) + REDACTED == redacted(text, [SECRET, TOKEN, PAIR])


# --- what is secret in an exchange --------------------------------------------------------------------------

ASKED = Request(method="GET", url="https://x.test/?a=1", headers={"Accept": "*/*"})


@pytest.mark.parametrize(
    ("credentials", "signed", "secrets"),
    [
        ("a-plain-api-key", {"X-Key": "a-plain-api-key"}, ["a-plain-api-key"]),
        (Secret("a-hidden-key"), {"Authorization": Secret("Bearer a-hidden-key")}, ["a-hidden-key"]),
        ({"key": "a-key-in-a-dict"}, {}, ["a-key-in-a-dict"]),
        (("id", Secret("a-key-in-a-tuple")), {}, ["a-key-in-a-tuple"]),
        (None, {"Authorization": 'Token id="them", mac="deadbeefdeadbeef"'}, ["deadbeefdeadbeef"]),
        (AgoraCredentials(customer_id="id7", customer_secret=SECRET), {}, [SECRET]),
        (TencentCredentials(secret_id="id7", secret_key=SECRET, token=TOKEN), {}, [SECRET, TOKEN]),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2ln", {}, ["eyJzdWIiOiJtZSJ9.c2ln"]),
    ],
)
def test_credentials_of_any_vendor_and_what_authentication_adds_are_secret(
    credentials: Any, signed: dict[str, Any], secrets: list[str]
) -> None:
    redaction = Redaction(credentials, ASKED, ASKED.with_headers(signed))
    for value in secrets:
        assert f"it says {REDACTED}" == redaction.text(f"it says {value}")


def test_a_signature_in_the_query_is_secret_and_what_was_there_before_is_not() -> None:
    signed = Request(method="GET", url=ASKED.url + "&channel-of-ours=1&sig=deadbeef%2Bdeadbeef")
    assert f"a=1, {REDACTED}" == Redaction(None, ASKED, signed).text("a=1, deadbeef+deadbeef")


def test_what_a_vendor_adds_in_the_open_is_told() -> None:
    asked = replace(ASKED, shown=TencentVendor.shown)
    signed = asked.with_headers({"X-TC-Action": "DescribeRoomInfo", "X-TC-Region": "ap-singapore"})
    assert "no DescribeRoomInfo in ap-singapore" == Redaction(None, asked, signed).text(
        "no DescribeRoomInfo in ap-singapore"
    )


# --- whole asks ---------------------------------------------------------------------------------------------


class Echo:
    """A gateway: answers with what it was sent."""

    def __init__(self, clock: VirtualClock, answer: Callable[[str, Request], Response | Exception], spell: Any) -> None:
        self.sent: list[Request] = []
        self._answer, self._spell = answer, spell

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        self.sent.append(request)
        told = (SECRET, request.headers["Authorization"], request.headers.get("X-TC-Token", ""))
        said = " ".join(map(self._spell, told))
        answer = self._answer(said, request)
        if isinstance(answer, Exception):
            raise answer
        answered()
        return answer

    async def aclose(self) -> None:
        pass


def page(said: str, request: Request, *, status: int) -> Response:
    return Response(status=status, headers={"x-echo": said}, body=f"<html><pre>{said}</pre>".encode())


def spelled(vendor: str, **facts: Any) -> bytes:
    """A refusal in the vendor's own words."""
    if vendor == "agora":
        return json.dumps({"code": facts["code"], "message": facts["message"], "requestId": facts["id"]}).encode()
    error = {"Code": facts["code"], "Message": facts["message"]}
    return json.dumps({"Response": {"Error": error, "RequestId": facts["id"]}}).encode()


def bad_row(vendor: str, said: str) -> bytes:
    rows = [{"call_id": ["not", "a", "text", said], "created_ts": said}]
    if vendor == "agora":
        return json.dumps({"code": 200, "call_lists": rows, "total_size": 1}).encode()
    room = {"CommId": [said], "CreateTime": said}
    return json.dumps({"Response": {"RoomList": [room], "Total": 1, "RequestId": "r"}}).encode()


def refusing(vendor: str, *, status: int = 200, code: Any = 1, message: str = "no", id: str = "r") -> Response:
    return Response(status=status, headers={}, body=spelled(vendor, code=code, message=message, id=id))


ECHOES: dict[str, Callable[[str, str, Request], Response | Exception]] = {
    "a page of 502": lambda vendor, said, request: page(said, request, status=502),
    "a page of 403": lambda vendor, said, request: page(said, request, status=403),
    "a page of 200": lambda vendor, said, request: page(said, request, status=200),
    "a redirect": lambda vendor, said, request: page(said, request, status=302),
    "no JSON": lambda vendor, said, request: Response(status=200, headers={}, body=f'{{"a": "{said}'.encode()),
    "no JSON, much of it": lambda vendor, said, request: Response(
        status=200,
        headers={},
        body=b" " * 110 + said.encode() * 300,
    ),
    "a message": lambda vendor, said, request: refusing(vendor, message=said),
    "a long message": lambda vendor, said, request: refusing(vendor, message="x" * 290 + said),
    "a code": lambda vendor, said, request: refusing(vendor, code=said),
    "a request id": lambda vendor, said, request: refusing(vendor, id=said),
    "a refusal for the rate": lambda vendor, said, request: refusing(vendor, status=429, message=said, id=said),
    "a refusal of the keys": lambda vendor, said, request: refusing(vendor, status=401, code=401, message=said),
    "a bad row": lambda vendor, said, request: Response(status=200, headers={}, body=bad_row(vendor, said)),
    "a broken connection": lambda vendor, said, request: TransportError(
        f"cut: {said}", endpoint="x", phase="read", timed_out=False
    ),
    "too large an answer": lambda vendor, said, request: UnreadableReply(said, endpoint="x", status=200, excerpt=said),
}


def forbidden(sent: list[Request]) -> Iterator[str]:
    """Twelve characters of each secret, in every spelling."""
    values = {SECRET, TOKEN}
    for request in sent:
        values.add(request.headers["Authorization"].split()[-1].rpartition("Signature=")[2])
    for value in values:
        for spell in SPELLINGS.values():
            yield spell(value[:12])
            yield repr(spell(value[:12]))[1:-1]


def leaked(texts: list[str], sent: list[Request]) -> list[str]:
    words = set(forbidden(sent))
    return [text for text in texts if any(word in text for word in words)]


@pytest.mark.parametrize(
    ("vendor", "echo", "spelling"),
    by_turns(
        3,
        VENDORS,
        ECHOES,
        ["as it is", "in a URL", "in a URL, every character", "in JSON", "in JSON, every character", "in HTML"],
    ),
)
def test_no_echo_comes_through(vendor: str, echo: str, spelling: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "agora_tencent_analytics")
    clock = VirtualClock()
    notices: list[Any] = []

    async def scenario() -> None:
        transport = Echo(clock, lambda said, request: ECHOES[echo](vendor, said, request), SPELLINGS[spelling])
        quota = Quota("test", store=":memory:", clock=clock.clock, plan="unlimited", cold_start=False)
        provider = MADE[vendor](
            **KEYS[vendor], quota=quota, transport=transport, base_url="https://x.test", hooks=[notices.append]
        )
        texts: list[str] = []
        listing = provider.calls(OVER)
        try:
            await listing.collect()
            (error,) = listing.certificate.lost
            texts += [repr(listing.certificate), listing.certificate.why]
        except AnalyticsError as raised:
            error = raised
        texts += shown(error)
        texts.append(pickle.dumps(error).decode("latin-1"))
        async with scan(provider, over=OVER, depth="calls", on_error="report") as records:
            async for _ in records:
                pass
        report = records.report
        assert not report.complete
        texts += [str(report), repr(report), msgspec.json.encode(report.as_dict()).decode()]
        texts += [pickle.dumps(failure.error).decode("latin-1") for failure in report.failures]
        texts += [repr(notice) for notice in notices]
        texts += [repr(vars(notice.error)) for notice in notices if getattr(notice, "error", None) is not None]
        texts += [f"{record.getMessage()} {record.__dict__!r}" for record in caplog.records]
        assert [] == leaked(texts, transport.sent)
        assert isinstance(error, UnreadableRow) == (echo == "a bad row")
        assert REDACTED in str(error) or echo in (
            "a redirect",
            "a page of 403",
            "a page of 502",
            "a refusal for the rate",
        )

    run(scenario)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_request_id_that_is_an_echo_is_told_to_nobody_even_where_all_is_well(vendor: str) -> None:
    clock = VirtualClock()
    notices: list[Any] = []

    def fine(said: str, request: Request) -> Response:
        if vendor == "agora":
            body: dict[str, Any] = {"code": 200, "call_lists": [], "total_size": 0, "requestId": said}
        else:
            body = {"Response": {"RoomList": [], "Total": 0, "RequestId": said, "DeprecatedWarning": said}}
        return Response(status=200, headers={}, body=json.dumps(body).encode())

    async def scenario() -> None:
        transport = Echo(clock, fine, str)
        quota = Quota("test", store=":memory:", clock=clock.clock, plan="unlimited", cold_start=False)
        provider = MADE[vendor](
            **KEYS[vendor], quota=quota, transport=transport, base_url="https://x.test", hooks=[notices.append]
        )
        await provider.calls(OVER).collect()
        assert [] == leaked(list(map(repr, notices)), transport.sent)

    run(scenario)


# --- through real sockets: what never becomes an answer -------------------------------------------------------


@asynccontextmanager
async def gateway(answer: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(
            answer(b" ".join(line for line in head.split(b"\r\n") if b"uthorization" in line or b"oken" in line))
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "answer",
    [
        lambda said: b"HTTP/1.1 " + said + b"\r\n\r\n",
        lambda said: b"HTTP/1.1 400 " + said + b"\r\nContent-Length: 0\r\n\r\n",
        lambda said: b"HTTP/1.1 200 OK\r\n" + said + b"\x00: x\r\n\r\n",
        lambda said: b"HTTP/1.1 200 OK\r\nX-" + b"a" * 9000 + said + b": x\r\n\r\n",
        lambda said: b"HTTP/1.1 200 OK\r\nContent-Length: " + said + b"\r\n\r\n",
        lambda said: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + said + b"\r\n",
        lambda said: said,
    ],
    ids=["status line", "reason", "header", "long header", "length", "chunk", "no HTTP"],
)
@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_no_http_is_quoted_without_secrets(vendor: str, answer: Callable[[bytes], bytes]) -> None:
    sent: list[bytes] = []

    def kept(said: bytes) -> bytes:
        sent.append(said)
        return answer(said)

    async def scenario() -> None:
        async with gateway(kept) as url:
            provider = MADE[vendor](
                **KEYS[vendor],
                base_url=url,
                quota=Quota("echo", store=":memory:", cold_start=False),
                retry=Retry(attempts=1),
            )
            async with provider:
                now = int(provider.now())
                with pytest.raises(AnalyticsError) as caught:
                    await provider.calls(TimeRange(now - 7200, now - 3600)).collect()
            requests = [
                Request(method="GET", url="", headers={"Authorization": said.decode().partition("thorization: ")[2]})
                for said in sent
            ]
            assert [] == leaked([*shown(caught.value), pickle.dumps(caught.value).decode("latin-1")], requests)

    asyncio.run(scenario())


@pytest.mark.filterwarnings(
    "ignore:BasicAuth is deprecated:DeprecationWarning", "ignore:The 'proxy_auth':DeprecationWarning"
)
@pytest.mark.parametrize("way", ["in the URL", "apart"])
def test_the_password_of_a_proxy_is_not_repeated(way: str) -> None:
    async def scenario() -> None:
        async with gateway(
            lambda said: b"HTTP/1.1 407 no " + said + b" pr0xy-passw0rd\r\nContent-Length: 0\r\n\r\n"
        ) as url:
            address = url.removeprefix("http://")
            options: dict[str, Any] = (
                {"proxy": f"http://me:pr0xy-passw0rd@{address}"}
                if way == "in the URL"
                else {"proxy": url, "proxy_auth": aiohttp.BasicAuth("me", "pr0xy-passw0rd")}
            )
            async with aiohttp.ClientSession(**options) as session:
                provider = AgoraProvider(
                    **KEYS["agora"],
                    base_url="https://api.agora.io",
                    session=session,
                    quota=Quota("proxy", store=":memory:", cold_start=False),
                    retry=Retry(attempts=1),
                )
                now = int(provider.now())
                with pytest.raises(TransportError) as caught:
                    await provider.calls(TimeRange(now - 7200, now - 3600)).collect()
        assert "407" in str(caught.value)
        pair = b64encode(b"me:pr0xy-passw0rd").decode()
        for text in [*shown(caught.value), repr(pickle.dumps(caught.value))]:
            assert "pr0xy-passw0rd" not in text
            assert pair not in text

    asyncio.run(scenario())


def test_the_password_of_a_redis_is_not_repeated() -> None:
    pytest.importorskip("redis", reason="redis-py is not installed")
    from agora_tencent_analytics.quota.redis_store import RedisStore

    async def scenario() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            said = await reader.read(400)
            writer.write(b"-ERR who sends " + said.replace(b"\r\n", b" ") + b"?\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            store = RedisStore(f"redis://me:r3dis%2Fpassw0rd@127.0.0.1:{port}/0")
            quota = Quota("redis", store=store, plan="premium", cold_start=False)
            given: dict[str, Any] = {**KEYS["agora"], "plan": "premium"}
            provider = AgoraProvider(**given, quota=quota, base_url="https://x.test")
            with pytest.raises(QuotaUnavailable) as caught:
                await provider.calls(TimeRange(int(provider.now()) - 7200, int(provider.now()) - 3600)).collect()
            await provider.aclose()
        for text in [*shown(caught.value), repr(pickle.dumps(caught.value))]:
            assert "r3dis/passw0rd" not in text
            assert "r3dis%2Fpassw0rd" not in text

    asyncio.run(scenario())
