"""Nine reporters that people have, each on a failure deep in the library: none tells twelve characters of a secret."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import pickle
import pprint
import sys
import traceback
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import loguru
import pytest
import sentry_sdk
import structlog
from rich.console import Console
from rich.traceback import Traceback

from agora_tencent_analytics import (
    AgoraProvider,
    AnalyticsError,
    Quota,
    Request,
    Response,
    Retry,
    TencentProvider,
    Timeouts,
    TimeRange,
)
from agora_tencent_analytics.tencent import sign
from tests.support.transports import json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

SECRET = "REPORTED+of/a=secret-that-is-long-enough"
TOKEN = "REPORTED-token-" + "0123456789abcdef" * 12
OVER = TimeRange(int(EPOCH) - 7200, int(EPOCH) - 3600)
VENDORS = ("agora", "tencent")
KEYS: dict[str, dict[str, Any]] = {
    "agora": {"app_id": "app1", "customer_id": "id7", "customer_secret": SECRET},
    "tencent": {"sdk_app_id": 14, "secret_id": "id7", "secret_key": SECRET, "token": TOKEN, "region": "ap-singapore"},
}
MADE: dict[str, Any] = {"agora": AgoraProvider, "tencent": TencentProvider}
PAIR = b64encode(f"id7:{SECRET}".encode()).decode()
HERE = str(Path(__file__).parent)


def prefixes() -> Iterator[str]:
    """Twelve characters of each secret part, as it is and as HTTP Basic has it."""
    for value in (SECRET, TOKEN):
        yield value[:12]
        yield value[4:16]
    yield PAIR[:16]  # `id7:` takes up the first five of them
    for key in sign._keys.values():
        yield key.reveal().hex()[:12]
        yield repr(key.reveal())[2:20]


class Fails:
    """A transport that lets the task stand on the way, then gives this."""

    def __init__(self, step: Response | BaseException) -> None:
        self.step, self.authorization = step, ""
        self.there, self.go_on = asyncio.Event(), asyncio.Event()

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        self.authorization = request.headers["Authorization"]
        del request
        self.there.set()
        await self.go_on.wait()
        if isinstance(self.step, BaseException):
            raise type(self.step)(*self.step.args)  # a new one: it gathers the frames of each that it goes through
        answered()
        return self.step

    async def aclose(self) -> None:
        pass


class Unforeseen(Exception):
    """What nobody expects of a transport."""


STEPS: dict[str, Response | BaseException] = {
    "a refusal": json_response('{"code": 401, "message": "no"}', status=401),
    "no JSON": json_response("<html>"),
    "unforeseen": Unforeseen("deep"),
}


def frames_of(error: BaseException) -> Iterator[FrameType]:
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        if (one := todo.pop()) is None or id(one) in seen:
            continue
        seen.add(id(one))
        todo += [one.__cause__, one.__context__]
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if not frame.f_code.co_filename.startswith(HERE):
                yield frame


def clean(error: BaseException) -> None:
    """Leaves out the frames of these tests, in which the secrets are texts."""
    one: BaseException | None = error
    while one is not None:
        kept: TracebackType | None = None
        for step in reversed(list(steps_of(one.__traceback__))):
            if not step.tb_frame.f_code.co_filename.startswith(HERE):
                kept = TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
        one.__traceback__ = kept
        one = one.__cause__ or one.__context__


def steps_of(found: TracebackType | None) -> Iterator[TracebackType]:
    while found is not None:
        yield found
        found = found.tb_next


def locals_of(error: BaseException) -> Iterator[tuple[str, Any]]:
    for frame in frames_of(error):
        yield from list(frame.f_locals.items())


def rich_told(error: BaseException) -> str:
    console = Console(file=io.StringIO(), width=200)
    shown: dict[str, Any] = {"show_locals": True, "locals_max_string": 80, "extra_lines": 0}
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, **shown))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def structlog_told(error: BaseException) -> str:
    transform = structlog.tracebacks.ExceptionDictTransformer(show_locals=True)
    return json.dumps(transform((type(error), error, error.__traceback__)))


def cgitb_told(error: BaseException) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it will be gone from later Pythons
        import cgitb
    assert error.__traceback__ is not None
    return cgitb.text((type(error), error, error.__traceback__))


def sentry_told(error: BaseException) -> str:
    events = list[Any]()
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(
            sentry_sdk.Client(
                "https://key@x.test/1",
                before_send=lambda event, _: events.append(event),
                default_integrations=False,
                event_scrubber=None,
                auto_enabling_integrations=False,
                include_local_variables=True,
                max_value_length=1024,
            )
        )
        sentry_sdk.capture_exception(error)
    return json.dumps(events)


def loguru_told(error: BaseException) -> str:
    stream = io.StringIO()
    loguru.logger.remove()  # it writes to standard error otherwise
    handler = loguru.logger.add(stream, diagnose=True, backtrace=False)
    try:
        loguru.logger.opt(exception=error).error("failed")
    finally:
        loguru.logger.remove(handler)
    return stream.getvalue()


def logging_told(error: BaseException) -> str:
    stream = io.StringIO()
    logger = logging.Logger("told")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(error)r %(facts)s"))
    logger.addHandler(handler)
    logger.error("failed", exc_info=error, extra={"error": error, "facts": vars(error)})
    return stream.getvalue()


def traceback_told(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def pickle_told(error: BaseException) -> str:
    return pickle.dumps(error).decode("latin-1") if isinstance(error, AnalyticsError) else ""


def pprint_told(error: BaseException) -> str:
    return pprint.pformat([*locals_of(error), vars(error), error.args])


REPORTERS: dict[str, Callable[[BaseException], str]] = {
    "rich": rich_told,
    "structlog": structlog_told,
    "sentry": sentry_told,
    "loguru": loguru_told,
    "logging": logging_told,
    "traceback": traceback_told,
    "pickle": pickle_told,
    "pprint": pprint_told,
}
if sys.version_info < (3, 13):  # the last Python that has it
    REPORTERS["cgitb"] = cgitb_told


def failed(vendor: str, step: Response | BaseException) -> tuple[BaseException, str, str]:
    """The error of an ask, what was sent, and how the task looked while the answer was awaited."""
    clock = VirtualClock()

    async def scenario() -> tuple[BaseException, str, str]:
        quota = Quota("test", store=":memory:", clock=clock.clock, plan="unlimited", cold_start=False)
        transport = Fails(step)
        provider = MADE[vendor](
            **KEYS[vendor],
            plan="unlimited",
            quota=quota,
            transport=transport,
            retry=Retry(attempts=1),
            base_url="https://x.test",
        )
        task = asyncio.ensure_future(provider.calls(OVER).collect())
        await transport.there.wait()
        stack = io.StringIO()
        task.print_stack(file=stack)
        frames = [repr(frame.f_locals) for frame in task.get_stack()]
        looks = f"{task!r} {stack.getvalue()} {asyncio.all_tasks()!r} {frames}"
        transport.go_on.set()
        try:
            await task
        except (AnalyticsError, Unforeseen) as error:
            return error, transport.authorization, looks
        raise AssertionError("it should have failed")

    return run(scenario)


@pytest.mark.parametrize("reporter", REPORTERS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_no_reporter_tells_twelve_characters_of_a_secret(vendor: str, step: str, reporter: str) -> None:
    error, sent, _ = failed(vendor, STEPS[step])
    assert PAIR in sent if vendor == "agora" else "Signature=" in sent, "what is sent is the real thing"
    clean(error)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = REPORTERS[reporter](error)
    assert told or isinstance(error, Unforeseen)
    hidden = [*prefixes(), sent.rpartition("Signature=")[2][:12] if vendor == "tencent" else PAIR[:16]]
    assert [] == [word for word in hidden if word in told]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_task_that_waits_for_an_answer_shows_no_secret(vendor: str) -> None:
    _, sent, looks = failed(vendor, STEPS["a refusal"])
    hidden = [*prefixes(), sent.rpartition("Signature=")[2][:12] if vendor == "tencent" else PAIR[:16]]
    assert [] == [word for word in hidden if word in looks]


def test_these_reporters_would_tell_a_secret_that_is_a_text() -> None:
    """Each must be able to fail: a frame with the secret as a text is told by all of them but the pickle."""
    source = f"def fails():\n    key = {SECRET!r}\n    raise Unforeseen(key)\n"
    names: dict[str, Any] = {"Unforeseen": Unforeseen}
    exec(compile(source, "/elsewhere/careless.py", "exec"), names)
    with pytest.raises(Unforeseen) as caught:
        names["fails"]()
    clean(caught.value)
    quiet = [name for name, told in REPORTERS.items() if SECRET[:12] not in told(caught.value)]
    assert ["pickle"] == quiet
