"""Faults of an answer with metrics: points that are told otherwise than one expects, and series nobody asked for.

Holds values, and what they make of the points of one series.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

import attrs

from agora_tencent_analytics.simulator.faults.book import Fault
from agora_tencent_analytics.simulator.world.points import Style

_NO_POINTS = ("null", '"point"', "[]", "{}", "7", "[null,1]", '["",1]', "[[],1]", "[-1e400,1]")


@attrs.frozen(kw_only=True)
class Retell(Fault):
    """The points of every series are told in another way."""

    how: Literal["ms", "text", "float", "backwards", "twice", "odd", "split"]
    """Instants in milliseconds, in quotes or with a decimal point; the newest first, every point twice, with things
    among them that are not points, or the series in two pieces."""


@attrs.frozen(kw_only=True)
class Widen(Fault):
    """Points around the window come along."""

    seconds: int = attrs.field(default=30, validator=attrs.validators.ge(1))
    """So many seconds of them on either side."""


@attrs.frozen(kw_only=True)
class Strangers(Fault):
    """Series of sessions or users that nobody asked for come along."""


def style_of(style: Style, faults: Iterable[object]) -> Style:
    """How points are written under these faults."""
    for fault in faults:
        match fault:
            case Retell(how="ms"):
                style = attrs.evolve(style, between=f"000{style.between}")
            case Retell(how="float"):
                style = attrs.evolve(style, between=f".0{style.between}")
            case Retell(how="text"):
                style = attrs.evolve(style, before=f'{style.before}"', between=f'"{style.between}')
            case _:
                pass
    return style


def retell(points: str, faults: Iterable[object]) -> list[str]:
    """The points of a series as they are told under these faults, in one piece or two.

    Args:
        points: as JSON, separated by commas.
        faults: those that strike the answer.
    """
    pieces = [points]
    for fault in faults:
        match fault:
            case Retell(how="backwards"):
                pieces = [_join(reversed(_split(piece))) for piece in pieces]
            case Retell(how="twice"):
                pieces = [_join(point for point in _split(piece) for _ in range(2)) for piece in pieces]
            case Retell(how="odd"):
                pieces = [f"{','.join(_NO_POINTS)},{piece},{','.join(_NO_POINTS)}" for piece in pieces]
            case Retell(how="split"):
                halves = [(_split(piece), len(_split(piece)) // 2) for piece in pieces]
                pieces = [_join(part) for all_of_it, half in halves for part in (all_of_it[:half], all_of_it[half:])]
            case _:
                pass
    return pieces


def _split(points: str) -> list[object]:
    return list(json.loads(f"[{points}]"))


def _join(points: Iterable[object]) -> str:
    return ",".join(json.dumps(point, separators=(",", ":")) for point in points)
