"""The vendor's own client reads the simulated Tencent: what it signs and how it asks is not ours to decide."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import Kind, SimulatedTencent, running_in_thread
from tests.simulator.asking import END, START, small_world

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
