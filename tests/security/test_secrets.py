"""Marker secrets go through the whole client, and come out nowhere: no repr, error, traceback, pickle, log or file."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import string
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import attrs
import msgspec
import pytest
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from agora_tencent_analytics import (
    AgoraProvider,
    AnalyticsError,
    BadInput,
    NotAuthenticated,
    ProviderClosed,
    Quota,
    Request,
    Response,
    Retry,
    TencentProvider,
    Timeouts,
    TimeRange,
    TransportError,
    scan,
)
from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.environment import EnvironmentVariable, from_environment
from agora_tencent_analytics.secret import Secret, secret
from agora_tencent_analytics.tencent import sign
from agora_tencent_analytics.tencent.sign import TencentCredentials
from tests.support.in_turn import in_turn
from tests.support.outside_vendor import OVER as OUTSIDE
from tests.support.outside_vendor import OutsideProvider, PlainVendor
from tests.support.transports import Script, json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

MARK = "MARKER-of-a-secret"
TOKEN = "MARKER-of-a-token"
VENDORS = ("agora", "tencent")
OVER = TimeRange(int(EPOCH) - 7200, int(EPOCH) - 3600)
KEYS: dict[str, dict[str, Any]] = {
    "agora": {"app_id": "app1", "customer_id": "id7", "customer_secret": MARK, "plan": "unlimited"},
    "tencent": {
        "sdk_app_id": 1400000000,
        "secret_id": "id7",
        "secret_key": MARK,
        "token": TOKEN,
        "region": "ap-singapore",
        "plan": "unlimited",
    },
}
MADE: dict[str, Any] = {"agora": AgoraProvider, "tencent": TencentProvider}
NO_RETRY = Retry(attempts=1)


def hidden() -> list[str]:
    """Everything that must not show: the markers, the Basic pair, the keys of the day, any signature."""
    keys = [repr(key.reveal())[2:-1] for key in sign._keys.values()]
    keys += [key.reveal().hex() for key in sign._keys.values()]
    return [MARK, TOKEN, b64encode(f"id7:{MARK}".encode()).decode(), "Signature=", *keys]


def shown(error: BaseException) -> Iterator[str]:
    """All the ways in which an error is shown, with every local variable of every frame."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield from (repr(one), str(one), repr(one.args), repr(getattr(one, "__notes__", ())), repr(vars(one)))
        todo += [one.__cause__, one.__context__]
        yield from locals_of(one)


def locals_of(error: BaseException) -> Iterator[str]:
    """Every local variable of every frame, but those of this very folder, which hold the markers by design."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if Path(frame.f_code.co_filename).parent != Path(__file__).parent:
            for name, value in list(frame.f_locals.items()):
                try:
                    yield f"{frame.f_code.co_name}: {name} = {value!r}"
                except Exception:  # what is not made yet shows nothing
                    continue


def leaked(texts: Iterator[str] | list[str]) -> list[str]:
    forbidden = hidden()
    return [text for text in texts if any(word in text for word in forbidden)]


class Caught(Exception):
    """What a test raises on purpose, deep in the library."""


async def failing(vendor: str, steps: list[Any], clock: VirtualClock) -> BaseException:
    quota = Quota("test", store=":memory:", clock=clock.clock, plan="unlimited", cold_start=False)
    transport = Script(clock, steps)
    provider = MADE[vendor](**KEYS[vendor], quota=quota, transport=transport, retry=NO_RETRY, base_url="https://x.test")
    async with provider:
        listing = provider.calls(OVER, channel="room")
        try:
            await listing.collect()
        except (AnalyticsError, Caught, RuntimeError) as failed:
            error: BaseException = failed
        else:
            error = listing.certificate.lost[0]
        assert "***" in repr(transport.sent[0])
        # Its headers are text: a transport has to send them.
        assert leaked([repr(transport.sent[0]), str(transport.sent[0]), repr(transport)]) == []
        return error


FAILURES: dict[str, Any] = {
    "a refusal of the keys": json_response('{"code": 401, "message": "no"}', status=401),
    "a body that is not JSON": json_response("<html>"),
    "a row that cannot be read": json_response('{"call_lists": [1], "Response": {"RoomList": [1]}}'),
    "a redirect": json_response("", status=302, location="https://elsewhere.test"),
    "a server's failure": json_response("", status=503),
    "a broken connection": TransportError("cut", endpoint="x", phase="read", timed_out=False),
    "an error that nobody expects": Caught("deep"),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("vendor", VENDORS)
def test_no_error_of_an_ask_shows_a_secret_even_with_the_locals_of_every_frame(vendor: str, name: str) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        error = await failing(vendor, [FAILURES[name]], clock)
        assert leaked(shown(error)) == []
        if isinstance(error, AnalyticsError):
            pickled = pickle.dumps(error)
            assert leaked([pickled.decode("latin-1"), repr(copy.copy(error).args), repr(copy.deepcopy(error))]) == []

    run(scenario)


class PlainKeys(PlainVendor):
    """Takes keys as text, which nothing hides."""

    codes: ClassVar[Any] = {401: (NotAuthenticated, {"cause": "token"})}


def test_keys_that_are_text_and_expired_are_in_no_frame_either() -> None:
    async def keys() -> str:
        return MARK

    async def scenario() -> NotAuthenticated:
        refused = Response(status=401, headers={}, body=b"{}")
        provider = OutsideProvider(lambda _: refused, vendor=PlainKeys(), credentials=keys)
        with pytest.raises(NotAuthenticated) as failed:
            await provider.calls(OUTSIDE).collect()
        return failed.value

    assert leaked(shown(run(scenario))) == []


def test_what_a_callable_for_keys_holds_is_in_no_frame_either() -> None:
    async def keys(held: str) -> str:
        raise Caught("the vault is away")

    async def scenario() -> list[BaseException]:
        provider = OutsideProvider(
            lambda _: Response(status=500, headers={}, body=b""),
            vendor=PlainKeys(),
            credentials=partial(keys, MARK),
            retry=NO_RETRY,
        )
        found: list[BaseException] = []
        for asked in (provider, provider.with_options(within_s=5)):
            with pytest.raises(Caught) as failed:
                await asked.calls(OUTSIDE).collect()
            found.append(failed.value)
        return found

    assert leaked([text for error in run(scenario) for text in shown(error)]) == []


# --- through the real transport ---------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("way", ["cut", "garbage", "stall", "cancel", "closed"])
def test_no_error_of_the_transport_shows_a_secret(vendor: str, way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        arrived: list[bytes] = []
        here = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.append(await reader.readuntil(b"\r\n\r\n"))
            here.set()
            if way == "garbage":
                writer.write(b"nothing like HTTP\r\n\r\n")
            elif way in ("stall", "cancel"):
                writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 9\r\n\r\n{")
                await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        provider = MADE[vendor](
            **KEYS[vendor],
            base_url=f"http://127.0.0.1:{port}",
            quota=Quota("transport", store=":memory:", cold_start=False),
            retry=NO_RETRY,
            timeouts=Timeouts(read_s=0.2 if way == "stall" else 10.0),
        )
        async with server, provider:
            if way == "closed":
                await provider.aclose()
            now = int(provider.now())
            asking = asyncio.ensure_future(provider.calls(TimeRange(now - 7200, now - 3600), channel="room").collect())
            if way == "cancel":
                await here.wait()
                asking.cancel()
            with pytest.raises(BaseException) as caught:  # noqa: PT011  # a cancellation among them
                await asking
        assert isinstance(caught.value, TransportError | ProviderClosed | asyncio.CancelledError)
        assert way == "closed" or MARK in arrived[0].decode() or b"Authorization: " in arrived[0]
        assert leaked(shown(caught.value)) == []
        assert not any(text.startswith("_request: ") for text in locals_of(caught.value)), "frames that hold the header"

    asyncio.run(scenario(), debug=True)
    assert leaked([f"{record.getMessage()} {record.args!r} {record.exc_text}" for record in caplog.records]) == []


@pytest.mark.parametrize("value", [MARK, MARK.encode()])
def test_a_secret_shows_nothing_of_itself_however_it_is_looked_at(value: Any) -> None:
    hidden = secret(value)
    looks: list[Callable[[], object]] = [
        lambda: repr(hidden),
        lambda: str(hidden),
        lambda: f"{hidden} {hidden!r:.80} {hidden:>9}",
        lambda: string.Template("$it").substitute(it=hidden),
        lambda: hidden[:80],
        lambda: repr(hidden[2:])[:80],
        lambda: hidden[0],
        lambda: list(hidden),
        lambda: "".join(hidden),
        lambda: hidden + hidden,
        lambda: hidden.encode(),
        lambda: bytes(hidden),
        lambda: json.dumps({"key": hidden}),
        lambda: json.dumps({"key": hidden}, default=str),
        lambda: msgspec.json.encode({"key": hidden}),
        lambda: vars(hidden),
        lambda: attrs.asdict(AgoraCredentials(customer_id="id7", customer_secret=MARK)),
        lambda: pretty_repr({"key": hidden, "keys": AgoraCredentials(customer_id="id7", customer_secret=MARK)}),
    ]
    for look in looks:
        try:
            seen = repr(look())
        except (TypeError, AttributeError, ValueError) as refused:
            seen = repr(refused)
        assert leaked([seen]) == []


def test_a_secret_equals_its_like_and_no_text() -> None:
    assert Secret(MARK) == Secret(MARK) == secret(Secret(MARK))
    assert Secret(MARK) != Secret(TOKEN)
    assert MARK != Secret(MARK)
    assert 1 == len({Secret(MARK), Secret(MARK)})
    assert MARK == Secret(MARK).reveal()


@pytest.mark.parametrize("vendor", VENDORS)
def test_reporters_that_cut_and_expand_what_they_show_show_no_secret(vendor: str) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        error = await failing(vendor, [FAILURES["a refusal of the keys"]], clock)
        trace = Traceback.extract(
            type(error), error, error.__traceback__, show_locals=True, locals_max_string=80, locals_max_depth=8
        )
        frames = [frame for stack in trace.stacks for frame in stack.frames if "tests/security" not in frame.filename]
        told = [f"{name} = {node}" for frame in frames for name, node in (frame.locals or {}).items()]
        assert any(text.startswith("response = ") for text in told), "these are the frames that the answer passed"
        assert leaked(told) == []

    run(scenario)


def test_a_secret_is_sent_as_it_is_and_shown_to_nobody() -> None:
    for keys in (AgoraCredentials(customer_id="id7", customer_secret=MARK),):
        header = keys.basic
        assert ("Basic " + b64encode(f"id7:{MARK}".encode()).decode()) == header.reveal()
        assert "'***'" == repr(header)
        assert "{'Authorization': '***'}" == f"{ {'Authorization': header} }"


# --- constructors -----------------------------------------------------------------------------------------

WRONG: dict[str, dict[str, Any]] = {
    "an app": {"app_id": "?", "sdk_app_id": "?"},
    "a plan": {"plan": "gold"},
    "an address": {"base_url": "http://elsewhere.test"},
    "another account": {"credentials": lambda: None},
    "an option": {"quota": Quota("x", store=":memory:", plan="another")},
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("vendor", VENDORS)
def test_no_error_of_a_constructor_shows_a_secret(vendor: str, what: str) -> None:
    wrong = {name: value for name, value in WRONG[what].items() if name in KEYS[vendor] or name[-3:] != "_id"}
    with pytest.raises((BadInput, ValueError, AnalyticsError)) as caught:
        MADE[vendor](**{**KEYS[vendor], **wrong})
    assert leaked(shown(caught.value)) == []


@in_turn("bad", [MARK + "\n", f" {MARK}", f"{MARK}é", MARK.encode()])
@in_turn(("vendor", "name"), [("agora", "customer_secret"), ("tencent", "secret_key"), ("tencent", "token")])
def test_a_malformed_secret_is_refused_and_not_shown(vendor: str, name: str, bad: Any) -> None:
    with pytest.raises(BadInput, match=name) as caught:
        MADE[vendor](**{**KEYS[vendor], name: bad})
    assert leaked(shown(caught.value)) == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_error_of_the_environment_shows_the_environment(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("AGORA_CUSTOMER_SECRET", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN", "SOMETHING_ELSE")
    for name in names:
        monkeypatch.setenv(name, MARK)
    for name in ("AGORA_APP_ID", "TRTC_SDK_APP_ID", "AGORA_PLAN", "TRTC_PLAN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadInput) as caught:
        MADE[vendor].from_env()
    assert leaked(shown(caught.value)) == []
    for name in ("AGORA_APP_ID", "TRTC_SDK_APP_ID", "AGORA_PLAN", "TRTC_PLAN"):
        monkeypatch.setenv(name, "wrong?")
    for name in ("AGORA_CUSTOMER_ID", "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_REGION"):
        monkeypatch.setenv(name, "fine")
    with pytest.raises(BadInput) as caught:
        MADE[vendor].from_env()
    assert leaked(shown(caught.value)) == []


def test_what_comes_from_the_environment_is_hidden_at_once() -> None:
    variables = {"secret_key": EnvironmentVariable("KEY", kind="secret"), "secret_id": EnvironmentVariable("ID")}
    found = from_environment(variables, {"KEY": MARK, "ID": "id7"}, {})
    assert {"secret_key": Secret(MARK), "secret_id": "id7"} == found
    assert "{'secret_key': '***', 'secret_id': 'id7'}" == repr(found)


# --- pickles and copies -----------------------------------------------------------------------------------


@in_turn("carry", [pickle.dumps, copy.deepcopy])
@in_turn(
    "value",
    [
        AgoraCredentials(customer_id="id7", customer_secret=MARK),
        TencentCredentials(secret_id="id7", secret_key=MARK, token=TOKEN),
        Secret(MARK),
        Secret(MARK.encode()),
        Request(method="GET", url="https://x.test").with_headers({"Authorization": Secret(MARK)}),
        AgoraProvider(**KEYS["agora"], store=":memory:"),
        TencentProvider(**KEYS["tencent"], store=":memory:"),
    ],
)
def test_what_holds_a_secret_is_neither_pickled_nor_copied(carry: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
        carry(value)
    assert leaked([repr(caught.value), str(caught.value)]) == []


@pytest.mark.parametrize("carry", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_provider_says_why_it_is_not_carried(vendor: str, carry: Callable[[Any], Any]) -> None:
    provider = MADE[vendor](**KEYS[vendor], store=":memory:")
    with pytest.raises(TypeError, match="Provider is neither pickled nor copied: it holds the keys to an account"):
        carry(provider)


def test_a_request_before_it_is_signed_may_be_carried() -> None:
    request = Request(method="GET", url="https://x.test", headers={"Accept": "*"})
    assert request == pickle.loads(pickle.dumps(request)) == copy.deepcopy(request)
    response = Response(status=200, headers={}, body=b"{}")
    assert response == pickle.loads(pickle.dumps(response))


@pytest.mark.parametrize("value", [None, 7, ["x"]])
def test_what_is_neither_text_nor_bytes_stays_for_the_validators(value: Any) -> None:
    assert value is secret(value)


# --- reports and files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_report_and_no_quota_file_holds_a_secret_or_an_id(vendor: str, tmp_path: Path) -> None:
    clock = VirtualClock()
    store = tmp_path / "quota.db"

    async def scenario() -> None:
        plan = {"agora": "premium", "tencent": "basic"}[vendor]
        quota = Quota("id7 of somebody", store=store, clock=clock.clock, plan=plan, cold_start=False)
        steps = [json_response('{"code": 401, "message": "no"}', status=401)]
        provider = MADE[vendor](
            **{**KEYS[vendor], "plan": plan},
            quota=quota,
            transport=Script(clock, steps),
            retry=NO_RETRY,
            base_url="https://x.test",
        )
        async with provider, scan(provider, over=OVER, depth="calls", on_error="report") as records:
            async for _ in records:
                pass
        report = records.report
        texts = [repr(report), str(report), repr(records), msgspec.json.encode(report.as_dict()).decode()]
        assert not report.complete
        assert leaked(texts) == []
        # Deep in, where a debugger looks: every attribute of the provider and what hangs on it.
        assert leaked([repr(vars(provider)), repr(provider._caller), repr(quota), repr(vars(quota))]) == []

    run(scenario)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert leaked([path.read_bytes().decode("latin-1")]) == []
        assert b"somebody" not in path.read_bytes()
