"""A simulated Tencent RTC: rooms, users and call details of the version of 2019-07-22.

Holds the vendor's rules and shapes, read from its pages and written without a look at the client: signatures over the
exact bytes, errors as HTTP 200 with an `Error` in the envelope, inclusive time bounds, pages from 0, totals that count
something else than one expects.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from agora_tencent_analytics.limits import DAY, Limits, Plan, Rate
from agora_tencent_analytics.simulator.catalogue import TENCENT, TENCENT_2021
from agora_tencent_analytics.simulator.dice import mix
from agora_tencent_analytics.simulator.exchange import Ask, Refused
from agora_tencent_analytics.simulator.faults import Strike
from agora_tencent_analytics.simulator.listing import turn_to
from agora_tencent_analytics.simulator.payload import ACTIONS, Question, read_payload, read_question
from agora_tencent_analytics.simulator.points import Style
from agora_tencent_analytics.simulator.sessions import Session
from agora_tencent_analytics.simulator.tc3 import check
from agora_tencent_analytics.simulator.vendor import SimulatedVendor
from agora_tencent_analytics.simulator.world import World
from agora_tencent_analytics.tencent.plans import PLANS

__all__ = ["SimulatedTencent"]

_VERSION = "2019-07-22"
_REGIONS = ("ap-beijing", "ap-guangzhou", "ap-mumbai", "ap-singapore", "na-toronto")
_HISTORY_S = 14 * DAY
_NOT_PAID = "The monthly package or the monitoring dashboard that includes this action is not subscribed to."
_POINT = Style('{"Time":', ',"Value":', "}")


class SimulatedTencent(SimulatedVendor):
    """Tencent RTC's call-quality actions on loopback.

    Args:
        world: what it reports on.
        plan: `"basic"`, `"advanced"`, `"premium"`, `"flagship"`, `"intl-standard"`, `"intl-premium"`, `"free"` (no
            access), `"unlimited"` or a plan of one's own.
        token: the STS token that must come along, or None for permanent keys.
        retired: True if `DescribeCallDetail` is offline, as it is today.
        oversize: how a window that is too long for metrics is answered: `"refuse"`, or with `"null"` lists.
        **options: see `SimulatedVendor`.
    """

    vendor: ClassVar[str] = "tencent"

    def __init__(
        self,
        world: World,
        *,
        plan: str | Plan = "advanced",
        token: str | None = None,
        retired: bool = False,
        oversize: Literal["refuse", "null"] = "refuse",
        **options: Any,
    ) -> None:
        super().__init__(world, plan=plan, **options)
        self._token = token
        self._retired = retired
        self._oversize = oversize
        self._secret_id = f"AKID{mix(world.seed, 31):016x}{mix(world.seed, 32):016x}"
        self._secret_key = f"{mix(world.seed, 33):016x}{mix(world.seed, 34):016x}"

    @property
    def credentials(self) -> Mapping[str, Any]:
        """`sdk_app_id`, `secret_id`, `secret_key`, and `token` if one is needed."""
        known = {
            "sdk_app_id": self.world.sdk_app_id,
            "secret_id": self._secret_id,
            "secret_key": self._secret_key,
        }
        return known if self._token is None else {**known, "token": self._token}

    def _plans(self) -> Mapping[str, Plan]:
        return PLANS

    def _read(self, ask: Ask) -> tuple[str, Mapping[str, Any]]:
        action = ask.headers.get("x-tc-action", "")
        known = action in ACTIONS and ask.path == "/" and ask.method == "POST"
        return action if known else "?", read_payload(ask.body) or {}

    def _admit(self, ask: Ask, endpoint: str) -> Sequence[Rate]:
        if ask.method != "POST":
            raise Refused("UnsupportedProtocol", "This simulated vendor is asked with POST only.")
        forgery = check(
            ask.method,
            ask.query,
            ask.headers,
            ask.body,
            secret_id=self._secret_id,
            secret_key=self._secret_key,
            token=self._token,
            service="trtc",
            now=self.now(),
        )
        if forgery is not None:
            raise Refused(forgery.code, forgery.message)
        if ask.headers.get("x-tc-version") != _VERSION:
            raise Refused("NoSuchVersion", "The version of the API does not exist.")
        if endpoint == "?":
            raise Refused("InvalidAction", "The API action does not exist.")
        if self._retired and endpoint == "DescribeCallDetail":
            raise Refused("ActionOffline", "This API has been deprecated.")
        region = ask.headers.get("x-tc-region")
        if not region:
            raise Refused("MissingParameter", "The request is missing a required parameter `Region`.")
        if region not in _REGIONS:
            raise Refused("UnsupportedRegion", f"The region `{region}` is not supported.")
        return self._limits(ACTIONS[endpoint].row).rates

    def _limits(self, row: str) -> Limits:
        limits = self.plan.rows.get(row)
        if limits is None:
            raise Refused("UnauthorizedOperation", _NOT_PAID)
        return limits

    def _throttled(self, rate: Rate) -> Refused:
        return Refused(
            "RequestLimitExceeded",
            f"Your current request times equals to `{rate.limit + 1}` in {rate.period_s} second(s), which exceeds the "
            f"frequency limit `{rate.limit}`. Please reduce the frequency of calls.",
        )

    def _envelope(self, refused: Refused) -> bytes:
        return self._wrap({"Error": {"Code": refused.code, "Message": refused.message}})

    def _wrap(self, payload: Mapping[str, Any]) -> bytes:
        response = {"Response": {**payload, "RequestId": self._request_id()}}
        return json.dumps(response, separators=(",", ":")).encode()

    def _request_id(self) -> str:
        number = sum(self.log.by_endpoint.values())
        return str(uuid.UUID(int=mix(self.world.seed, 41, number) << 64 | number))

    def _respond(self, ask: Ask, endpoint: str, strikes: Sequence[Strike]) -> bytes:
        question = read_question(endpoint, read_payload(ask.body), sdk_app_id=self.world.sdk_app_id)
        action = ACTIONS[endpoint]
        limits = self._limits(action.row_with_metrics if question.metrics else action.row)
        if question.start < self.now() - _HISTORY_S:
            raise Refused("InvalidParameter.StartTsOversize", "The start time for query exceeded the limit.")
        if question.start < self.now() - limits.history_s:
            raise Refused("InvalidParameter.StartTimeOversize", "The start time exceeds what the package allows.")
        if question.end - question.start > limits.span_s:
            if question.metrics and self._oversize == "null":
                return self._wrap({"Total": 0, "UserList": None, "Data": None})
            raise Refused("InvalidParameter.QueryScaleOversize", "The range for query exceeded the limit.")
        if not action.of_call:
            return self._rooms(question, strikes)
        known = TENCENT_2021 if endpoint == "DescribeCallDetail" else frozenset(metric.name for metric in TENCENT)
        wanted = known if "all" in question.metrics else question.metrics
        if not wanted <= known:
            raise Refused("InvalidParameter", f"DataType {sorted(wanted - known)[0]} is invalid.")
        return self._users(question, wanted, strikes, with_data=endpoint != "DescribeUserInfo")

    def _rooms(self, question: Question, strikes: Sequence[Strike]) -> bytes:
        rows = self.world.listing("tencent", question.start, question.end, channel=question.room)
        page = turn_to(rows, question.page, question.size, strikes)
        rooms = []
        for index in page.rows:
            call = self.world.call_at("tencent", index)
            rooms.append(
                {
                    "CommId": call.call_id,
                    "RoomString": call.channel,
                    "CreateTime": call.created_ts,
                    "DestroyTime": call.destroyed_ts if call.finished else int(self.now()),
                    "IsFinished": call.finished,
                    "UserId": self.world.sessions(call)[0].user_id,
                }
            )
        return self._wrap({"Total": page.claimed(len(rooms)), "RoomList": rooms})

    def _users(
        self, question: Question, wanted: frozenset[str], strikes: Sequence[Strike], *, with_data: bool
    ) -> bytes:
        call = self.world.find_call("tencent", question.call_id)
        everybody = self.world.sessions(call) if call is not None else ()
        stays = [
            stay
            for stay in everybody
            if stay.overlaps(question.start, question.end) and (not question.users or stay.user_id in question.users)
        ]
        stays.sort(key=lambda stay: (stay.join_ts, stay.user_id))
        page = turn_to(stays, question.page, question.size, strikes)
        total = page.claimed(len({stay.user_id for stay in stays}))  # it counts users: one who returned is one
        shell = self._wrap({"Total": total, "UserList": [self._user(stay) for stay in page.rows]})
        if not with_data:
            return shell
        shown = frozenset(stay.user_id for stay in page.rows) if wanted else frozenset[str]()
        data = self._data(question, [stay for stay in everybody if stay.user_id in shown], wanted)
        return shell.replace(b'"RequestId"', b'"Data":[' + data + b'],"RequestId"', 1)

    def _user(self, stay: Session) -> dict[str, Any]:
        return {
            "RoomStr": stay.channel,
            "UserId": stay.user_id,
            "JoinTs": stay.join_ts,
            "LeaveTs": stay.leave_ts if stay.finished else int(self.now()),
            "DeviceType": stay.device,
            "SdkVersion": stay.sdk_version,
            "ClientIp": f"10.{stay.key % 256}.{stay.key // 256 % 256}.{stay.number % 254 + 1}",
            "Finished": stay.finished,
        }

    def _data(self, question: Question, stays: Sequence[Session], wanted: frozenset[str]) -> bytes:
        # The vendor knows users, not stays: what a user measured in all its stays is one series.
        joined: dict[tuple[str, str, str], list[str]] = {}
        for stay in sorted(stays, key=lambda stay: stay.join_ts):
            chosen = [series for series in self.world.series(stay) if series.metric.name in wanted]
            for series, points in self.world.written(stay, chosen, question.start, question.end, _POINT):
                joined.setdefault((stay.user_id, series.peer_id, series.metric.name), []).append(points)
        return ",".join(
            f'{{"Content":[{",".join(pieces)}],"UserId":"{user}","PeerId":"{peer}","DataType":"{name}"}}'
            for (user, peer, name), pieces in joined.items()
        ).encode()
