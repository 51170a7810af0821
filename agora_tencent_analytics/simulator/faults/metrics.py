"""Faults of an answer with metrics: points that are told otherwise than one expects, and series nobody asked for.

Holds values, and what they make of points.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

import attrs

from agora_tencent_analytics.simulator.faults.book import Fault, Strike
from agora_tencent_analytics.simulator.world.points import Style

_NO_POINTS = 'null,"point",[],{},7,[null,1],["",1],[[],1],[-1e400,1]'
_AROUND_INSTANTS = {"ms": ("", "000"), "float": ("", ".0"), "text": ('"', '"')}


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


class PointsTold:
    """How the points of an answer are told under the faults that strike it.

    Args:
        style: how the vendor writes them.
        strikes: the faults that strike the answer.
    """

    def __init__(self, style: Style, strikes: Iterable[Strike]) -> None:
        faults = [strike.fault for strike in strikes]
        self.style: Style = style
        self.around_s: int = max((fault.seconds for fault in faults if isinstance(fault, Widen)), default=0)
        """So many seconds around the window come along."""
        self.strangers: bool = any(isinstance(fault, Strangers) for fault in faults)
        """True if series that nobody asked for come along."""
        self._hows = [fault.how for fault in faults if isinstance(fault, Retell)]
        for before, behind in (_AROUND_INSTANTS[how] for how in self._hows if how in _AROUND_INSTANTS):
            self.style = Style(self.style.before + before, behind + self.style.between, style.after)

    def pieces(self, points: str) -> list[str]:
        """The points of a series, in one piece or two.

        Args:
            points: as JSON, separated by commas.
        """
        pieces = [points]
        for how in self._hows:
            match how:
                case "backwards":
                    pieces = [_join(_split(piece)[::-1]) for piece in pieces]
                case "twice":
                    pieces = [_join(point for point in _split(piece) for _ in range(2)) for piece in pieces]
                case "odd":
                    pieces = [f"{_NO_POINTS},{piece},{_NO_POINTS}" for piece in pieces]
                case "split":
                    halves = [(_split(piece), len(_split(piece)) // 2) for piece in pieces]
                    pieces = [_join(part) for whole, half in halves for part in (whole[:half], whole[half:])]
                case _:
                    pass
        return pieces


def _split(points: str) -> list[object]:
    return list(json.loads(f"[{points}]"))


def _join(points: Iterable[object]) -> str:
    return ",".join(json.dumps(point, separators=(",", ":")) for point in points)
