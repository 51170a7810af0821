"""Asks a simulated vendor without a socket, as a correct client would."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, World
from agora_tencent_analytics.simulator.tencent.tc3 import canonical_request, signature

END = 1_790_000_000
START = END - 8 * HOUR
NOW = END + 400.25


class Hand:
    """A clock that moves only when told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def small_world(**options: Any) -> World:
    return World(**{"seed": 3, "calls": 14, "start": START, "end": END, **options})


def agora(world: World | None = None, *, hand: Hand | None = None, **options: Any) -> SimulatedAgora:
    clock = hand or Hand()
    timing = {"clock": clock, "monotonic": clock, "sleep": clock.sleep}
    return SimulatedAgora(world or small_world(), **{"plan": "unlimited", **timing, **options})


def tencent(world: World | None = None, *, hand: Hand | None = None, **options: Any) -> SimulatedTencent:
    clock = hand or Hand()
    timing = {"clock": clock, "monotonic": clock, "sleep": clock.sleep}
    return SimulatedTencent(world or small_world(), **{"plan": "unlimited", **timing, **options})


def basic(server: SimulatedAgora) -> dict[str, str]:
    pair = f"{server.credentials['customer_id']}:{server.credentials['customer_secret']}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def agora_query(server: SimulatedAgora, **changes: object) -> dict[str, object]:
    window = {"start_ts": END - 3 * HOUR, "end_ts": END, "appid": server.credentials["app_id"]}
    return {name: value for name, value in {**window, **changes}.items() if value is not None}


async def get(server: SimulatedAgora, endpoint: str, **changes: object) -> dict[str, Any]:
    """The decoded body of one answer; `name=None` leaves a parameter out."""
    url = f"/beta/analytics/{endpoint}?{urlencode(agora_query(server, **changes))}"
    _, _, body = await server.answer("GET", url, basic(server))
    return dict(json.loads(body))


def tencent_payload(server: SimulatedTencent, **changes: object) -> dict[str, object]:
    window = {"SdkAppId": server.credentials["sdk_app_id"], "StartTime": END - HOUR, "EndTime": END}
    return {name: value for name, value in {**window, **changes}.items() if value is not ...}


def signed(
    server: SimulatedTencent,
    action: str,
    body: bytes,
    *,
    at: float | None = None,
    more: Mapping[str, str] | None = None,
    sign: Iterable[str] = ("content-type", "host"),
    lower: bool = True,
    secret_id: str | None = None,
    secret_key: str | None = None,
) -> dict[str, str]:
    moment = int(server.now() if at is None else at)
    day = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    headers = {
        "Host": "trtc.tencentcloudapi.com",
        "Content-Type": "application/json; charset=utf-8",
        "X-TC-Action": action,
        "X-TC-Version": "2019-07-22",
        "X-TC-Timestamp": str(moment),
        "X-TC-Region": "ap-guangzhou",
        **(more or {}),
    }
    spelt = {name.lower(): value.lower() if lower else value for name, value in headers.items()}
    names = ";".join(sorted(sign))
    found = signature(
        secret_key or server.credentials["secret_key"],
        timestamp=str(moment),
        day=day,
        service="trtc",
        canonical=canonical_request("POST", "", spelt, names, body),
    )
    scope = f"{secret_id or server.credentials['secret_id']}/{day}/trtc/tc3_request"
    told = f"TC3-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={found}"
    return {**headers, "Authorization": told}


async def post(server: SimulatedTencent, action: str, **changes: object) -> dict[str, Any]:
    """What stands in `Response`; `name=...` (an ellipsis) leaves a parameter out."""
    body = json.dumps(tencent_payload(server, **changes)).encode()
    _, _, answer = await server.answer("POST", "/", signed(server, action, body), body)
    return dict(json.loads(answer)["Response"])


def reach(
    server: SimulatedAgora, path: str, *, method: str = "GET", body: object = None, **query: object
) -> dict[str, Any]:
    """The decoded body of an answer below `/beta/`; `appid` is sent unless it is None."""
    asked = {"appid": server.credentials["app_id"], **query}
    url = f"/beta/{path}?{urlencode({name: value for name, value in asked.items() if value is not None})}"
    headers = {**basic(server), "Content-Type": "application/json"}
    _, _, answer = asyncio.run(server.answer(method, url, headers, json.dumps(body).encode() if body else b""))
    return dict(json.loads(answer))


def now_get(server: SimulatedAgora, endpoint: str, **changes: object) -> dict[str, Any]:
    return asyncio.run(get(server, endpoint, **changes))


def now_post(server: SimulatedTencent, action: str, **changes: object) -> dict[str, Any]:
    return asyncio.run(post(server, action, **changes))


def code_of(response: Mapping[str, Any]) -> str:
    return str(response.get("Error", {}).get("Code", ""))
