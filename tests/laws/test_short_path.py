"""The way of one request is short: few files and few functions between a question and its first record."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import agora_tencent_analytics
from agora_tencent_analytics import Call, TimeRange
from agora_tencent_analytics.simulator import World
from tests.support.transports import Script, Stage, json_response
from tests.support.virtual_time import EPOCH, run

ROOT = str(Path(agora_tencent_analytics.__file__).parent)
OF_THE_TEST = f"{ROOT}/testing/"
"""The virtual clock and its loop, which stand in for those of Python."""
OVER = TimeRange(int(EPOCH) - 7_200, int(EPOCH) - 3_600)
MOST_FILES = 30
MOST_FUNCTIONS = 150
LISTINGS = {
    "agora": (
        '{"code":200,"call_lists":[{"call_id":"c1","cname":"room","created_ts":1,"destroyed_ts":2,"finished":true}],'
        '"total_size":1,"has_more":false,"requestId":"r"}'
    ),
    "tencent": (
        '{"Response":{"Total":1,"RequestId":"r","RoomList":[{"CommId":"c1","RoomString":"room","CreateTime":1,'
        '"DestroyTime":2,"IsFinished":true,"UserId":"u"}]}}'
    ),
}


def entered(vendor: str) -> set[CodeType]:
    """The functions of the package, generated ones aside, that the first item of a listing passes through."""
    stage = Stage(vendor, World(calls=0, start=int(EPOCH) - 7_200, end=int(EPOCH)))
    script = Script(stage.clock, [json_response(LISTINGS[vendor])])
    provider: Any = stage.provider(transport=script)
    found: set[CodeType] = set()

    def called(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(ROOT) and not file.startswith(OF_THE_TEST):
            found.add(frame.f_code)

    async def scenario() -> str:
        await provider.calls(OVER).first()  # what is made once for all requests is made
        sys.setprofile(called)
        try:
            first: Call = await provider.calls(OVER).first()
        finally:
            sys.setprofile(None)
        return first.call_id

    assert "c1" == run(scenario)
    return found


@pytest.fixture(autouse=True)
def nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    """The tests run with the log wide open."""
    caplog.set_level(logging.WARNING, "agora_tencent_analytics")


@pytest.mark.parametrize("vendor", LISTINGS)
def test_the_first_item_of_a_listing_passes_through_few_files_and_functions(vendor: str) -> None:
    functions = entered(vendor)
    files = {code.co_filename for code in functions}
    assert len(files) <= MOST_FILES, " ".join(sorted(file.removeprefix(ROOT) for file in files))
    assert len(functions) <= MOST_FUNCTIONS, " ".join(sorted(code.co_qualname for code in functions))


def test_what_a_call_enters_is_seen() -> None:
    names = {code.co_qualname for code in entered("agora")}
    assert {"AgoraProvider.calls", "Caller.ask", "Vendor.unwrap"} <= names
