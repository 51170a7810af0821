"""A simulated Agora Analytics: call lists, sessions and metrics as the interface of 2024 answers them.

Holds the vendor's rules and shapes, read from its pages and written without a look at the client: HTTP Basic, errors as
HTTP 200 with a code in the body, strict time bounds, pages from 1 and silently capped.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl

from agora_tencent_analytics.agora.plans import CALL_DETAIL, CALL_LISTS, PLANS
from agora_tencent_analytics.limits import DAY, MINUTE, Limits, Plan, Rate
from agora_tencent_analytics.simulator.calls import Call
from agora_tencent_analytics.simulator.dice import mix
from agora_tencent_analytics.simulator.exchange import Ask, Refused
from agora_tencent_analytics.simulator.faults import Strike
from agora_tencent_analytics.simulator.listing import turn_to
from agora_tencent_analytics.simulator.points import Style
from agora_tencent_analytics.simulator.sessions import Session
from agora_tencent_analytics.simulator.vendor import SimulatedVendor
from agora_tencent_analytics.simulator.world import World

__all__ = ["SimulatedAgora"]

_PREFIX = "/beta/analytics/"
_ROWS = {"call/lists": CALL_LISTS, "call/sessions": CALL_DETAIL, "call/metrics": CALL_DETAIL}
_REQUIRED = {
    "call/lists": ("start_ts", "end_ts", "appid"),
    "call/sessions": ("start_ts", "end_ts", "appid", "call_id"),
    "call/metrics": ("start_ts", "end_ts", "appid", "call_id", "sids"),
}
_OPTIONAL = {
    "call/lists": ("cname", "page_no", "page_size"),
    "call/sessions": ("page_no", "page_size", "uids", "exclude_server_user"),
    "call/metrics": (),
}
_NO_AUTH = "you have no auth to access this service, please buy or upgrade your service package"
_PER = {1: "qps", MINUTE: "qpm", DAY: "qpd"}
_LARGEST_PAGE = 100
_DEFAULT_PAGE = 20
_MOST_UIDS = 10
_MOST_SIDS = 20
_SECONDS_DIGITS = 10
_POINT = Style("[", ",", "]")


class SimulatedAgora(SimulatedVendor):
    """Agora Analytics on loopback.

    Args:
        world: what it reports on.
        plan: `"standard"`, `"premium"`, `"enterprise"`, `"starter"` (no access), `"unlimited"` or a plan of one's own.
        auth_reply: how wrong credentials are refused: `"code"` with HTTP 200 and code 401, `"http"` with HTTP 401 and a
            body without a code, as some gateways do.
        ongoing: what `destroyed_ts` and `leave_ts` say while it is not over, which Agora does not document: the
            vendor's `"now"`, `"zero"` or `"null"`.
        **options: see `SimulatedVendor`.
    """

    vendor: ClassVar[str] = "agora"

    def __init__(
        self,
        world: World,
        *,
        plan: str | Plan = "enterprise",
        auth_reply: Literal["code", "http"] = "code",
        ongoing: Literal["now", "zero", "null"] = "now",
        **options: Any,
    ) -> None:
        super().__init__(world, plan=plan, **options)
        self._auth_reply = auth_reply
        self._ongoing = ongoing
        self._customer_id = f"{mix(world.seed, 21):016x}{mix(world.seed, 22):016x}"
        self._customer_secret = f"{mix(world.seed, 23):016x}{mix(world.seed, 24):016x}"

    @property
    def credentials(self) -> Mapping[str, str]:
        """`app_id`, `customer_id` and `customer_secret`."""
        return {
            "app_id": self.world.agora_app_id,
            "customer_id": self._customer_id,
            "customer_secret": self._customer_secret,
        }

    def _plans(self) -> Mapping[str, Plan]:
        return PLANS

    def _read(self, ask: Ask) -> tuple[str, Mapping[str, Any]]:
        endpoint = ask.path.removeprefix(_PREFIX)
        known = ask.path.startswith(_PREFIX) and endpoint in _ROWS and ask.method == "GET"
        return endpoint if known else "?", dict(parse_qsl(ask.query, keep_blank_values=True))

    def _admit(self, ask: Ask, endpoint: str) -> Sequence[Rate]:
        if endpoint == "?":
            raise Refused(404, "wrong api", status=404)
        pair = f"{self._customer_id}:{self._customer_secret}".encode()
        wanted = b"Basic " + base64.b64encode(pair)
        if not hmac.compare_digest(ask.headers.get("authorization", "").encode(), wanted):
            if self._auth_reply == "http":
                body = b'{"message":"Invalid authentication credentials"}'
                raise Refused(401, "unauthorized", status=401, body=body)
            raise Refused(401, "unauthorized")
        return self._limits(endpoint).rates

    def _limits(self, endpoint: str) -> Limits:
        row = self.plan.rows.get(_ROWS[endpoint])
        if row is None:
            raise Refused(300, _NO_AUTH)
        return row

    def _throttled(self, rate: Rate) -> Refused:
        return Refused(300, f"{_PER.get(rate.period_s, 'qps')} limit error")

    def _envelope(self, refused: Refused) -> bytes:
        return _json({"code": refused.code, "message": refused.message, "data": None})

    def _respond(self, ask: Ask, endpoint: str, strikes: Sequence[Strike]) -> bytes:
        pairs = parse_qsl(ask.query, keep_blank_values=True)
        query = dict(pairs)
        known = _REQUIRED[endpoint] + _OPTIONAL[endpoint]
        for name, _ in pairs:
            if name not in known:
                raise _bad(name, "is unknown")
        for name in _REQUIRED[endpoint]:
            if not query.get(name):
                raise _bad(name, "can not be null")
        if query["appid"] != self.world.agora_app_id:
            raise Refused(403, "wrong authorization information")
        start, end = self._window(query, self._limits(endpoint))
        if endpoint == "call/lists":
            return self._lists(query, start, end, strikes)
        call = self.world.find_call("agora", query["call_id"])
        if endpoint == "call/sessions":
            return self._sessions(query, call, start, end, strikes)
        return self._metrics(query, call, start, end)

    def _window(self, query: Mapping[str, str], limits: Limits) -> tuple[int, int]:
        bounds = []
        for name in ("start_ts", "end_ts"):
            if not query[name].isdecimal():
                raise _bad(name, "is not a number")
            if len(query[name]) > _SECONDS_DIGITS:
                raise Refused(500, "Unknown Error")
            bounds.append(int(query[name]))
        start, end = bounds
        if end <= start:
            raise _bad("end_ts", "must be larger than start_ts")
        now = self.now()
        if end >= now - limits.lag_s:
            raise Refused(300, "query latency limit error")
        if start <= now - limits.history_s:
            raise Refused(300, "query time range limit error")
        if end - start >= limits.span_s:
            raise Refused(300, "query duration limit error")
        return start, end

    def _lists(self, query: Mapping[str, str], start: int, end: int, strikes: Sequence[Strike]) -> bytes:
        number, size = _page(query)
        rows = self.world.listing("agora", start, end, channel=query.get("cname"))
        page = turn_to(rows, number - 1, size, strikes)
        listed = [self._call(self.world.call_at("agora", index)) for index in page.rows]
        return self._success(
            page_no=number, page_size=size, total_size=page.total, has_more=page.has_more, call_lists=listed
        )

    def _sessions(
        self, query: Mapping[str, str], call: Call | None, start: int, end: int, strikes: Sequence[Strike]
    ) -> bytes:
        number, size = _page(query)
        hide_servers = query.get("exclude_server_user", "true")
        if hide_servers not in ("true", "false"):
            raise _bad("exclude_server_user", "is not a boolean")
        uids = _ids(query, "uids", most=_MOST_UIDS)
        stays = [
            stay
            for stay in (self.world.sessions(call) if call is not None else ())
            if stay.overlaps(start, end)
            and not (stay.server and hide_servers == "true")
            and (not uids or stay.user_id in uids)
        ]
        stays.sort(key=lambda stay: (-stay.join_ts, stay.session_id))
        page = turn_to(stays, number - 1, size, strikes)
        info = [self._session(stay) for stay in page.rows]
        return self._success(
            page_no=number, page_size=size, total_size=page.total, has_more=page.has_more, call_info=info
        )

    def _metrics(self, query: Mapping[str, str], call: Call | None, start: int, end: int) -> bytes:
        sids = _ids(query, "sids", most=_MOST_SIDS)
        stays = [stay for stay in (self.world.sessions(call) if call is not None else ()) if stay.session_id in sids]
        uids = {stay.user_id: stay.uid for stay in self.world.sessions(call)} if call is not None else {}
        parts = []
        for stay in sorted(stays, key=lambda stay: stay.key):
            data = ",".join(
                f'{{"mid":{series.metric.name},"kvs":[{points}],"peer_uid":{uids.get(series.peer_id, 0)}}}'
                for series, points in self.world.written(stay, self.world.series(stay), start, end, _POINT)
            )
            parts.append(f'{{"sid":"{stay.session_id}","data":[{data}]}}')
        head = _json({"code": 200, "message": "", "requestId": self._request_id()})[:-1]
        return head + f',"metrics":[{",".join(parts)}]}}'.encode()

    def _call(self, call: Call) -> dict[str, Any]:
        stays = [stay for stay in self.world.sessions(call) if not stay.server]
        return {
            "call_id": call.call_id,
            "cname": call.channel,
            "created_ts": call.created_ts,
            "destroyed_ts": call.destroyed_ts if call.finished else self._unknown_end(),
            "finished": call.finished,
            "call_pcu": _peak(stays),
            "call_acu": len({stay.user_id for stay in stays}),
            "call_audio_freeze_rate": _mean([_freeze_rate(stay, 31) for stay in stays]),
            "call_video_freeze_rate": _mean([_freeze_rate(stay, 32) for stay in stays]),
        }

    def _session(self, stay: Session) -> dict[str, Any]:
        return {
            "sid": stay.session_id,
            "cname": stay.channel,
            "uid": stay.uid,
            "account": stay.account,
            "network": stay.network,
            "platform": stay.platform,
            "speaker": "Audience" not in stay.roles,
            "sdk_version": stay.sdk_version,
            "device_type": stay.device,
            "join_ts": stay.join_ts,
            "leave_ts": stay.leave_ts if stay.finished else self._unknown_end(),
            "finished": stay.finished,
            "roles": list(stay.roles),
            "user_video_freeze_rate": _freeze_rate(stay, 32),
            "user_audio_freeze_rate": _freeze_rate(stay, 31),
        }

    def _unknown_end(self) -> int | None:
        return {"now": int(self.now()), "zero": 0, "null": None}[self._ongoing]

    def _success(self, **payload: Any) -> bytes:
        return _json({"code": 200, "message": "", "requestId": self._request_id(), **payload})

    def _request_id(self) -> str:
        number = sum(self.log.by_endpoint.values())
        return f"{mix(self.world.seed, 41, number):016x}{number:016x}"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _bad(name: str, wrong: str) -> Refused:
    return Refused(400, f"Bad request, parameter : {name} {wrong}")


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    """Number of the page, from 1, and its size, silently capped."""
    figures = []
    for name, default in (("page_no", 1), ("page_size", _DEFAULT_PAGE)):
        text = query.get(name, str(default))
        if not text.isdecimal() or int(text) < 1:
            raise _bad(name, "is not a positive number")
        figures.append(int(text))
    return figures[0], min(figures[1], _LARGEST_PAGE)


def _ids(query: Mapping[str, str], name: str, *, most: int) -> frozenset[str]:
    ids = query[name].split(",") if query.get(name) else []
    if len(ids) > most:
        raise _bad(name, f"can not have more than {most} values")
    return frozenset(ids)


def _freeze_rate(stay: Session, salt: int) -> float:
    low, wide = ((0.0, 0.004), (0.01, 0.04), (0.1, 0.3))[stay.level]
    return round(low + wide * (mix(stay.key, salt) % 10_000) / 10_000, 6)


def _mean(rates: Sequence[float]) -> float:
    return round(sum(rates) / len(rates), 6) if rates else 0


def _peak(stays: Sequence[Session]) -> int:
    steps = sorted([(stay.join_ts, 1) for stay in stays] + [(stay.leave_ts, -1) for stay in stays])
    present = peak = 0
    for _, step in steps:
        present += step
        peak = max(peak, present)
    return peak
