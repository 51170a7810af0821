"""Agora's figures by dimension as records (`Breakdown`), and its diagnoses (`AbnormalExperience`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agora_tencent_analytics.agora.factors import describe_experience, describe_factor
from agora_tencent_analytics.agora.figures.answer_rows import (
    VALUE,
    Row,
    asked_for,
    measured,
    number_of,
    part_of,
    ratio_of,
    spellings,
    stamp_of,
    unit_of,
)
from agora_tencent_analytics.agora.figures.names import NEUTRAL
from agora_tencent_analytics.decoding.rawjson import beside, number, text
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.models.events import AbnormalExperience, Cause
from agora_tencent_analytics.models.figures import Breakdown
from agora_tencent_analytics.wire import Asked

_TOP_S = 20
_OF_AN_EXPERIENCE = frozenset({"user", "exp_id", "cname", "cause_tags", "ts"})
_BESIDE_A_PART = frozenset({"dimension_value", "bucket", "user_count", "refUsage", "windowStartTs", "windowEndTs"})


def breakdowns(row: Endpoint[Any], rows: Sequence[Row], asked: Asked) -> list[Breakdown]:
    """One `Breakdown` for each part of a dimension in an answer, or the only one of the whole app.

    Raises:
        KeyError: a row has neither a part nor the figure.
    """
    params, window = asked.params, asked.window
    (name, *_) = asked_for(params)
    dimension = params.get("dimension", "")
    spelt = spellings(dimension)
    whole = window.end if row.bounds.end else window.start + _TOP_S
    made = []
    for part in rows:
        found = measured(part, [name], counts=False)
        key, of_part = next(iter(found)), part_of(part, (*spelt, "bucket"))
        if key not in part and not of_part:
            raise KeyError(key)
        users = "user_count" if "user_count" in part or key == "userCount" else "userCount"
        start, end = number(part.get("windowStartTs")), number(part.get("windowEndTs"))
        known = _BESIDE_A_PART | found.keys() | {*spelt, users}
        extra, value = beside(part, known), ratio_of(row, found[key])
        if value is None and found[key] is not None:
            extra[key] = found[key]
        asked.flaws.odd(extra.keys() & known)
        made.append(
            Breakdown(
                vendor="agora",
                metric=NEUTRAL.get(name, ""),
                vendor_metric=name if key == VALUE else key,
                unit=unit_of(name),
                product=params.get("productType", ""),
                call_id=params.get("call_id", ""),
                dimension=dimension or ("bucket" if "bucket" in part else ""),
                dimension_value=of_part,
                value=value,
                users=number(part.get(users)),
                reference=number_of(part.get("refUsage")),
                start=window.start if start is None else start,
                end=whole if end is None else end,
                extra=extra,
            )
        )
    return made


def experiences(rows: Sequence[Row], asked: Asked) -> list[AbnormalExperience]:
    """Rows of `live/diagnosis`, worded by the vendor's last tables.

    Raises:
        KeyError, TypeError, ValueError: a row has no user, channel, kind or time.
    """
    flaws, found = asked.flaws, []
    for row in rows:
        causes, odd = flaws.apart(row.get("cause_tags") or (), _causes)
        extra = beside(row, _OF_AN_EXPERIENCE) | ({"cause_tags": odd} if odd else {})
        flaws.odd(extra.keys() & _OF_AN_EXPERIENCE)
        found.append(
            AbnormalExperience(
                vendor="agora",
                channel=_said(row, "cname"),
                user_id=_said(row, "user"),
                experience_id=_whole(row, "exp_id"),
                experience=describe_experience(_whole(row, "exp_id")),
                ts=stamp_of(row, flaws),
                causes=tuple(causes),
                extra=extra,
            )
        )
    return found


def _causes(tags: Sequence[Row]) -> list[Cause]:
    found = []
    for tag in tags:
        factor, peer = _whole(tag, "factor_id"), text(tag.get("host_user"))
        extra = beside(tag, ("factor_id", "host_user"))
        found.append(Cause(cause_id=factor, peer_id=peer, text=describe_factor(factor, peer), extra=extra))
    return found


def _said(row: Row, name: str) -> str:
    if row[name] is None:
        raise TypeError(f"{name} is null")
    return text(row[name])


def _whole(row: Row, name: str) -> int:
    found = number(row[name])
    if found is None:
        raise TypeError(f"{name} should be a whole number, not {row[name]!r}")
    return found
