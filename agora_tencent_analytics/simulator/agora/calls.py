"""How a simulated Agora answers about calls: lists, sessions, metrics, statistics, in the shapes of four generations.

This is the Call Inspector. In March 2021 a list was the newest ten calls and everything else one answer, in July the
newest hundred; pages of calls came in 2022, the wider rows in 2023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agora_tencent_analytics.limits import MINUTE
from agora_tencent_analytics.simulator.agora.figures import DIMENSIONS
from agora_tencent_analytics.simulator.agora.question import Question, bad, ids, one_of, page
from agora_tencent_analytics.simulator.faults.listing import turn_to, window_of
from agora_tencent_analytics.simulator.faults.metrics import PointsTold
from agora_tencent_analytics.simulator.faults.slipped_rows import Shape
from agora_tencent_analytics.simulator.http.exchange import Written
from agora_tencent_analytics.simulator.http.telling import listed, write_rows
from agora_tencent_analytics.simulator.world.figures import compute, peak, stay_rate
from agora_tencent_analytics.simulator.world.points import Style, write_points
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.traits import by_trait

_NEWEST = {"2021-03": 10, "2021-07": 100}
_HIGHEST_MID = {"2021-03": 20_020, "2021-07": 20_028, "2022": 20_028}
_MOST_UIDS = 10
_MOST_SIDS = 20
_MOST_USERS_OF_DETAILS = 10
_POINT = Style("[", ",", "]")
_FLAGS = ("true", "false")
_RATES = {"audio_freeze_rate": "audioFreezeRate", "video_freeze_rate": "videoFreezeRate"}
_FROZEN = {"audio_freeze_user_count": "audioFreezeRate", "video_freeze_user_count": "videoFreezeRate"}
_BUCKETS = (("[0%,3%)", 0.03), ("[3%,5%)", 0.05), ("[5%,10%)", 0.10), ("[10%,100%)", 1.01))
_FREEZES_FROM = 0.01
_CALL = Shape(
    row_id="call_id",
    begins="created_ts",
    ends="destroyed_ts",
    over="finished",
    name="cname",
    ratio="call_audio_freeze_rate",
)
_SESSION = Shape(
    row_id="sid",
    begins="join_ts",
    ends="leave_ts",
    over="finished",
    name="device_type",
    ratio="user_audio_freeze_rate",
    user="uid",
)


def lists(asked: Question) -> Mapping[str, object]:
    """Answers `call/lists`."""
    newest = _NEWEST.get(asked.generation)
    number, size = page(asked.query) if newest is None else (1, newest)
    start, end = window_of(asked.start, asked.end, asked.strikes)
    found = asked.world.listing("agora", start, end, channel=asked.query.get("cname"))
    shown = turn_to(listed(asked.world, "agora", found, size, asked.now), number - 1, size, asked.strikes)
    rows = write_rows(asked.world, "agora", _CALL, shown.rows, lambda index: _call(asked, index))
    told = {"has_more": shown.has_more, "call_lists": rows}
    if newest is not None:
        return told
    return {"page_no": number, "page_size": size, "total_size": shown.total, **told}


def sessions(asked: Question) -> Mapping[str, object]:
    """Answers `call/sessions`."""
    number, size = page(asked.query)
    uids = ids(asked.query, "uids", most=_MOST_UIDS)
    stays = [stay for stay in _stays(asked) if not uids or stay.user_id in uids]
    shown = turn_to(listed(asked.world, "agora", stays, size, asked.now), number - 1, size, asked.strikes)
    told: dict[str, object] = {"page_no": number, "page_size": size, "total_size": shown.total}
    if asked.generation == "2024":
        told["has_more"] = shown.has_more
    return {**told, "call_info": _sessions(asked, shown.rows)}


def metrics(asked: Question) -> Mapping[str, object]:
    """Answers `call/metrics`."""
    sids = ids(asked.query, "sids", most=_MOST_SIDS)
    stays = [stay for stay in _sessions_of(asked) if stay.session_id in sids]
    return {"metrics": _metrics(asked, sorted(stays, key=lambda stay: stay.key))}


def details(asked: Question) -> Mapping[str, object]:
    """Answers `call/details`, as it was until June 2021: the ten who joined last, with their metrics."""
    hide = one_of(asked.query, "exclude_metrics_info", _FLAGS, "false")
    most = _MOST_USERS_OF_DETAILS
    stays = listed(asked.world, "agora", _stays(asked), most, asked.now)[:most]
    told: dict[str, object] = {"call_id": asked.query["call_id"], "call_info": _sessions(asked, stays)}
    return told if hide == "true" else {**told, "metrics": _metrics(asked, stays)}


def statistics(asked: Question) -> Mapping[str, object]:
    """Answers `call/statistics`."""
    metric = _RATES[one_of(asked.query, "metric", tuple(_RATES))]
    dimension = one_of(asked.query, "dimension", DIMENSIONS)
    rows = [
        {"dimension_value": value, "user_count": _users(stays), "value": _rate(asked, stays, metric)}
        for value, stays in by_trait(_people(asked), dimension).items()
    ]
    return {"data": asked.shuffled(rows)}


def freeze_buckets(asked: Question) -> Mapping[str, object]:
    """Answers `call/freeze/bucket`: users by how much of their time was frozen, unsorted, no bucket empty."""
    metric = _RATES[one_of(asked.query, "metric", tuple(_RATES))]
    users: dict[str, set[str]] = {}
    for stay in _people(asked):
        bucket = next(name for name, below in _BUCKETS if stay_rate(stay, metric) < below)
        users.setdefault(bucket, set()).add(stay.user_id)
    rows = [{"bucket": bucket, "user_count": len(found)} for bucket, found in users.items()]
    return {"data": asked.shuffled(rows)}


def statistics_by_minute(asked: Question) -> Mapping[str, object]:
    """Answers `call/statistics/time`: a value a minute, unsorted."""
    metric = one_of(asked.query, "metric", (*_RATES, "user_count", *_FROZEN))
    rows = []
    for minute in range(asked.start // MINUTE * MINUTE, asked.end, MINUTE):
        there = [stay for stay in _people(asked) if stay.overlaps(minute, minute + MINUTE)]
        if there:
            rows.append({"ts": minute, "value": _value(there, metric, minute)})
    return {"data": asked.shuffled(rows)}


def _sessions_of(asked: Question) -> Sequence[Session]:
    """All sessions of the call that is asked about; none if there is no such call."""
    call = asked.world.find_call("agora", asked.query["call_id"])
    return asked.world.sessions(call) if call is not None else ()


def _stays(asked: Question) -> list[Session]:
    """The sessions of the call in the window, the latest joined first."""
    hidden = asked.query.get("exclude_server_user", "true")
    if hidden not in _FLAGS:
        raise bad("exclude_server_user", "is not a boolean")
    stays = [stay for stay in _sessions_of(asked) if stay.overlaps(asked.start, asked.end)]
    stays = [stay for stay in stays if not (stay.server and hidden == "true")]
    return sorted(stays, key=lambda stay: (-stay.join_ts, stay.session_id))


def _metrics(asked: Question, stays: Sequence[Session]) -> Written:
    world, highest = asked.world, _HIGHEST_MID.get(asked.generation)
    telling = PointsTold(_POINT, asked.strikes)
    first, beyond = asked.start - telling.around_s, asked.end + telling.around_s
    uids = {stay.user_id: stay.uid for stay in _sessions_of(asked)}
    parts = []
    for stay in stays:
        known = [series for series in world.series(stay) if highest is None or int(series.metric.name) <= highest]
        data = ",".join(
            f'{{"mid":{series.metric.name},"kvs":[{piece}],"peer_uid":{uids.get(series.peer_id, 0)}}}'
            for series, points in write_points(stay, known, first, beyond, world.points_per_series, telling.style)
            for piece in telling.pieces(points)
        )
        parts.append(f'{{"sid":"{stay.session_id}","data":[{data}]}}')
    if telling.strangers:
        parts.insert(0, f'{{"sid":"{"E" * 32}","data":[{{"mid":20003,"kvs":[[{asked.start},7]],"peer_uid":0}}]}}')
    return Written(f"[{','.join(parts)}]")


def _sessions(asked: Question, stays: Sequence[Session]) -> list[Any] | Written:
    return write_rows(asked.world, "agora", _SESSION, stays, lambda stay: _session(asked, stay))


def _call(asked: Question, index: int) -> dict[str, Any]:
    call = asked.world.call_at("agora", index)
    over = call.finished and call.destroyed_ts <= asked.now
    told: dict[str, Any] = {
        "call_id": call.call_id,
        "cname": call.channel,
        "created_ts": call.created_ts,
        "destroyed_ts": call.destroyed_ts if over else _unknown_end(asked),
        "finished": over,
    }
    if asked.generation != "2024":
        return told
    stays = [stay for stay in asked.world.sessions(call) if not stay.server]
    return {
        **told,
        "call_pcu": peak([(stay.join_ts, stay.leave_ts) for stay in stays]),
        "call_acu": len({stay.user_id for stay in stays}),
        "call_audio_freeze_rate": _mean([stay_rate(stay, "audioFreezeRate") for stay in stays]),
        "call_video_freeze_rate": _mean([stay_rate(stay, "videoFreezeRate") for stay in stays]),
    }


def _session(asked: Question, stay: Session) -> dict[str, Any]:
    over = stay.finished and stay.leave_ts <= asked.now
    told: dict[str, Any] = {
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
        "leave_ts": stay.leave_ts if over else _unknown_end(asked),
        "finished": over,
    }
    if asked.generation != "2024":
        del told["account"]
        return told
    return {
        **told,
        "roles": list(stay.roles),
        "user_video_freeze_rate": stay_rate(stay, "videoFreezeRate"),
        "user_audio_freeze_rate": stay_rate(stay, "audioFreezeRate"),
    }


def _unknown_end(asked: Question) -> int | None:
    return {"now": int(asked.now), "zero": 0, "null": None}[asked.habits.ongoing]


def _mean(rates: Sequence[float]) -> float:
    return round(sum(rates) / len(rates), 6) if rates else 0


def _people(asked: Question) -> list[Session]:
    return [stay for stay in _sessions_of(asked) if not stay.server and stay.overlaps(asked.start, asked.end)]


def _value(stays: Sequence[Session], metric: str, minute: int) -> int | float | None:
    if metric == "user_count":
        return _users(stays)
    if metric in _FROZEN:
        return _users([stay for stay in stays if stay_rate(stay, _FROZEN[metric]) >= _FREEZES_FROM])
    return compute(stays, _RATES[metric], minute, minute + MINUTE) or 0


def _users(stays: Sequence[Session]) -> int:
    return len({stay.user_id for stay in stays})


def _rate(asked: Question, stays: Sequence[Session], metric: str) -> float:
    return compute(stays, metric, asked.start, asked.end) or 0
