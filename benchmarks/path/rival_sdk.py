"""Tencent's own SDK in so many threads: its questions, its signature, its models; the paging is the caller's."""

from __future__ import annotations

import asyncio
import json
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.trtc.v20190722 import models
from tencentcloud.trtc.v20190722.trtc_client import TrtcClient

from benchmarks.path.job import AT_ONCE, JobName, Sent, Settings

HOUR = 3600
warnings.filterwarnings("ignore", category=DeprecationWarning)


def filled(request: Any, **parameters: Any) -> Any:
    request.from_json_string(json.dumps(parameters))
    return request


def profile(settings: Settings) -> tuple[Credential, str, ClientProfile]:
    keys = settings["tencent"]["credentials"]
    address = settings["tencent"]["base_url"].removeprefix("http://")
    http = HttpProfile(protocol="http", endpoint=address, reqTimeout=10, keepAlive=True)
    return Credential(keys["secret_id"], keys["secret_key"]), "ap-singapore", ClientProfile(httpProfile=http)


def rooms(settings: Settings, page: int) -> Any:
    return filled(
        models.DescribeRoomInfoRequest(),
        SdkAppId=settings["tencent"]["credentials"]["sdk_app_id"],
        StartTime=settings["start"],
        EndTime=settings["end"] - 1,
        PageNumber=page,
        PageSize=100,
    )


def life(settings: Settings, call: Any) -> dict[str, Any]:
    app = settings["tencent"]["credentials"]["sdk_app_id"]
    return {"SdkAppId": app, "CommId": call.CommId, "StartTime": call.CreateTime, "EndTime": call.DestroyTime}


def users(settings: Settings, call: Any) -> Any:
    return filled(models.DescribeUserInfoRequest(), **life(settings, call), PageNumber=0, PageSize=100)


def details(settings: Settings, call: Any, found: Any) -> list[Any]:
    names = list(dict.fromkeys(user.UserId for user in found.UserList))
    about = life(settings, call)
    return [
        filled(
            models.DescribeCallDetailInfoRequest(),
            **{**about, "StartTime": begin, "EndTime": min(begin + HOUR - 1, about["EndTime"])},
            UserIds=names[first : first + 6],
            DataType=["all"],
            PageNumber=0,
            PageSize=6,
        )
        for begin in range(about["StartTime"], about["EndTime"] + 1, HOUR)
        for first in range(0, len(names), 6)
    ]


class Runner:
    def __init__(self, settings: Settings, _: str) -> None:
        self._settings = settings
        self._own = threading.local()
        self._calls: list[Any] = []

    def _client(self) -> Any:
        client = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = TrtcClient(*profile(self._settings))
        return client

    def _rooms(self) -> list[Any]:
        found: list[Any] = []
        while True:
            page = self._client().DescribeRoomInfo(rooms(self._settings, len(found) // 100)).RoomList
            found += page
            if len(page) < 100:
                return found

    async def prepare(self) -> None:
        self._calls = self._rooms()[:1_500]

    async def run(self, job: JobName, _: list[Sent]) -> int:
        return await asyncio.to_thread(self._run, job)

    def _run(self, job: JobName) -> int:
        calls = self._calls if job == "one" else self._rooms()
        if job == "calls":
            return len(calls)

        def read(call: Any) -> None:
            found = self._client().DescribeUserInfo(users(self._settings, call))
            if job == "metrics":
                for request in details(self._settings, call, found):
                    self._client().DescribeCallDetailInfo(request)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(1 for _ in pool.map(read, calls))
