"""The vendor's own client reads the simulated Tencent: what it signs and how it asks is not ours to decide."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator import Kind, SimulatedTencent, running_in_thread
from agora_tencent_analytics.tencent.plans import PLANS
from tests.support.simulator_requests import END, START, signed, small_world

pytest.importorskip("tencentcloud", reason="the vendor's SDK is not installed")

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.trtc.v20190722 import models
from tencentcloud.trtc.v20190722.trtc_client import TrtcClient

# The SDK asks `datetime` for what newer Pythons are about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")


@pytest.fixture
def server() -> Iterator[SimulatedTencent]:
    # The SDK signs with the machine's clock, so the world has to be where that clock is.
    end = int(time.time()) - 60
    world = small_world(start=end - (END - START), end=end)
    with running_in_thread(SimulatedTencent(world, plan="flagship", token="sts")) as running:
        yield running


def client(server: SimulatedTencent, **changes: str) -> Any:
    known: dict[str, Any] = {**server.credentials, **changes}
    endpoint = server.base_url.removeprefix("http://")
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=endpoint, reqTimeout=10))
    return TrtcClient(Credential(known["secret_id"], known["secret_key"], known["token"]), "ap-guangzhou", profile)


def fill(request: Any, **parameters: object) -> Any:
    request.from_json_string(json.dumps(parameters))
    return request


def test_it_reads_rooms_users_and_call_details(server: SimulatedTencent) -> None:
    world, sdk = server.world, client(server)
    window: dict[str, object] = {"SdkAppId": world.sdk_app_id, "StartTime": world.start, "EndTime": world.end}
    rooms = sdk.DescribeRoomInfo(fill(models.DescribeRoomInfoRequest(), **window, PageNumber=0, PageSize=100))
    assert {call.call_id for call in world.calls("tencent")} == {room.CommId for room in rooms.RoomList}

    call = next(call for call in world.calls("tencent") if call.kind is Kind.REJOIN)
    window = {
        "SdkAppId": world.sdk_app_id,
        "CommId": call.call_id,
        "StartTime": call.created_ts,
        "EndTime": call.created_ts + HOUR,
    }
    users = sdk.DescribeUserInfo(fill(models.DescribeUserInfoRequest(), **window, PageNumber=0, PageSize=100))
    expected = {(stay.user_id, stay.join_ts) for stay in world.sessions(call)}
    assert expected == {(user.UserId, user.JoinTs) for user in users.UserList}

    request = fill(models.DescribeCallDetailInfoRequest(), **window, DataType=["all"], PageNumber=0, PageSize=6)
    details = sdk.DescribeCallDetailInfo(request)
    points = sum(len(data.Content) for data in details.Data)
    assert world.truth("tencent", world.start, world.end, call_id=call.call_id).points == points


def shape(value: object) -> object:
    """The names in an answer, without its values and without how often they come."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape(one), sort_keys=True) for one in value})
    return ""


def asked_of(action: str, server: SimulatedTencent) -> dict[str, object]:
    world = server.world
    east = timezone(timedelta(hours=8))
    day = datetime.fromtimestamp(world.end, east)
    seconds: dict[str, object] = {"StartTime": world.end - HOUR, "EndTime": world.end}
    if action == "DescribeUserEvent":
        call = next(call for call in world.calls("tencent") if call.kind is Kind.REJOIN)
        window = {"StartTime": call.created_ts, "EndTime": call.destroyed_ts}
        user = world.sessions(call)[0].user_id
        of_call = {"CommId": call.call_id, "RoomId": call.channel, "UserId": user}
        return {"SdkAppId": world.sdk_app_id, **window, **of_call}
    if action == "DescribeTrtcRoomUsage":
        form = "%Y-%m-%d %H:%M"
        first = day - timedelta(hours=8)
        return {"SdkAppid": world.sdk_app_id, "StartTime": first.strftime(form), "EndTime": day.strftime(form)}
    if action in ("DescribeUnusualEvent", "DescribeScaleInfo"):
        start = world.end - 2 * DAY if action == "DescribeScaleInfo" else world.end - HOUR
        return {"SdkAppId": world.sdk_app_id, **seconds, "StartTime": start}
    if "RealTime" in action:
        return {"SdkAppId": str(world.sdk_app_id), **seconds}
    days: dict[str, object] = dict.fromkeys(("StartTime", "EndTime"), day.strftime("%Y-%m-%d"))
    if "Market" in action:
        more = {"IsFloat": True} if "Quality" in action else {}
        return {"SdkAppId": str(world.sdk_app_id), **days, "Period": "h", **more}
    return {**days, **({"MixType": "multi"} if "Recording" in action else {})}


@pytest.mark.parametrize(
    "action",
    [
        *("DescribeUserEvent", "DescribeUnusualEvent", "DescribeScaleInfo", "DescribeTrtcRoomUsage"),
        *("DescribeTRTCRealTimeScaleData", "DescribeTRTCRealTimeQualityData", "DescribeTRTCMarketScaleData"),
        *("DescribeTRTCMarketQualityData", "DescribeTrtcUsage", "DescribeRecordingUsage"),
        *("DescribeMixTranscodingUsage", "DescribeRelayUsage"),
    ],
)
def test_it_asks_every_other_question_and_knows_every_name_in_the_answer(server: SimulatedTencent, action: str) -> None:
    parameters = asked_of(action, server)
    request_type = getattr(models, f"{action}Request", None)
    if request_type is None:
        pytest.skip("this release of the SDK does not have the action")
    server.plan = msgspec.structs.replace(server.plan, rows=PLANS["unlimited"].rows)
    response = getattr(client(server), action)(fill(request_type(), **parameters))
    known = json.loads(response.to_json_string())
    body = json.dumps(parameters).encode()
    _, _, answer = asyncio.run(
        server.answer("POST", "/", signed(server, action, body, more={"X-TC-Token": "sts"}), body)
    )
    sent = json.loads(answer)["Response"]
    assert "Error" not in sent
    assert any(value for name, value in sent.items() if name != "RequestId")
    assert shape(without_null(sent)) == shape(without_null(known))


def without_null(value: Any) -> Any:
    """The same without what is null or an empty list: the SDK makes one of the other."""
    if isinstance(value, dict):
        return {name: without_null(one) for name, one in value.items() if one not in (None, [])}
    return [without_null(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"secret_key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "wrong"}, "AuthFailure.SecretIdNotFound"),
        ({"token": "wrong"}, "AuthFailure.TokenFailure"),
    ],
)
def test_it_understands_the_refusals(server: SimulatedTencent, change: dict[str, str], code: str) -> None:
    with pytest.raises(TencentCloudSDKException) as refused:
        client(server, **change).DescribeRoomInfo(fill(models.DescribeRoomInfoRequest(), SdkAppId=1))
    assert code == refused.value.get_code()
