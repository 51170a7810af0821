"""`Columns`: the points of one series as two arrays, made when somebody first looks.

A metrics reply can be 15 MB. As a list of points it would be millions of objects, which the garbage
collector walks while the event loop stands still. So a series keeps the vendor's JSON text of its points,
its own copy and not a view that pins the whole reply, until it is read; then it keeps 16 bytes a point.

Holds the container and what it means to be tidy: sorted by time, one value a second, clipped. How points
are spelt on the wire is in `decoding/points.py`. Knows no metric, no vendor and no unit: `scale` is a bare factor.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, pairwise, starmap
from math import inf, isfinite, isnan
from operator import lt
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec

from agora_tencent_analytics.decoding.moments import YEAR_5138, seconds
from agora_tencent_analytics.decoding.points import Glance, PointForm, glance, read_points
from agora_tencent_analytics.errors import counted

POINT_BYTES = 16
"""What a point costs in memory: an 8-byte time and an 8-byte value."""


_EMPTY = ((b"[]",), (b"null",))
Watcher = Callable[[Glance, Any, int, int], None]


class _Made(NamedTuple):
    times: array[int]
    values: array[float]
    untimed: int  # points dropped because their time could not be read
    outside: int
    contradicted: int = 0  # points dropped because of their time another value was kept
    ended: int = 0  # of those outside, how many are of the second in which the clip ends

    def make(self) -> _Made:
        return self

    def glance(self) -> Glance | None:
        times = self.times
        return Glance(times[0], times[-1], len(times), POINT_BYTES * len(times)) if times else None

    @property
    def odd(self) -> int:
        # One NaN makes a sum NaN (so do two infinities): a number proves that there is none, at a third of the cost.
        return self.untimed + self.contradicted + (sum(map(isnan, self.values)) if isnan(sum(self.values)) else 0)


class _Source(Protocol):
    def make(self) -> _Made: ...

    def glance(self) -> Glance | None: ...


class _Text(msgspec.Struct, gc=False):  # made in a third of the time that a named tuple takes
    chunks: tuple[bytes, ...]
    form: PointForm
    scale: float
    clip: tuple[float, float] | None

    def make(self) -> _Made:
        if self.chunks in _EMPTY:  # a call has one or two, which take as long as all the rest of the series to decode
            return _Made(array("q"), array("d"), 0, 0)
        parts = [read_points(chunk, self.form, self.scale) for chunk in self.chunks]
        if len(parts) == 1 and parts[0].increasing:
            times, values, untimed, _ = parts[0]
            contradicted = 0
        else:
            times, values, contradicted = _tidy([(part.times, part.values, part.increasing) for part in parts])
            untimed = sum(part.untimed for part in parts)
        if self.clip is None or not times or (self.clip[0] <= times[0] and times[-1] < self.clip[1]):
            return _Made(times, values, untimed, 0, contradicted)
        if times[-1] >= YEAR_5138:
            small = bisect_left(times, YEAR_5138)  # what is in milliseconds comes after what is in seconds
            late = array("q", map(seconds, times[small:]))
            parts_in_seconds = [(times[:small], values[:small], True), (late, values[small:], False)]
            times, values, more = _tidy(parts_in_seconds)
            contradicted += more
        first, beyond = bisect_left(times, self.clip[0]), bisect_left(times, self.clip[1])
        outside = len(times) - max(0, beyond - first)
        ended = max(0, bisect_left(times, self.clip[1] + 1) - max(first, beyond))
        return _Made(times[first:beyond], values[first:beyond], untimed, outside, contradicted, ended)

    def glance(self) -> Glance | None:
        if len(self.chunks) != 1 or (seen := glance(self.chunks[0], self.form)) is None:
            return None
        clip = self.clip
        return seen if clip is None or (clip[0] <= seen.first and seen.last < clip[1]) else None


class _Joined(msgspec.Struct, gc=False):
    parts: tuple[Columns, ...]

    def make(self) -> _Made:
        made = [part._made() for part in self.parts]
        times, values, more = _tidy([(part.times, part.values, True) for part in made])
        untimed, outside = sum(part.untimed for part in made), sum(part.outside for part in made)
        more += sum(part.contradicted for part in made)
        return _Made(times, values, untimed, outside, more, sum(part.ended for part in made))

    def glance(self) -> Glance | None:
        seen = [found for part in self.parts if (found := part._glance())]
        if len(seen) < len(self.parts) or not seen:
            return None
        if any(after.first <= before.last for before, after in pairwise(sorted(seen, key=_begun))):
            return None  # two values of one second: whether they are the same is seen when they are decoded
        first, last = min(one.first for one in seen), max(one.last for one in seen)
        return Glance(first, last, sum(one.rows for one in seen), sum(one.size for one in seen))


class _Within(msgspec.Struct, gc=False):
    parent: Columns
    spans: tuple[tuple[float, float], ...]
    counts: bool

    def make(self) -> _Made:
        times, values, *rest = self.parent._made()
        counted = rest if self.counts else (0, 0)
        kept, of_kept = array("q"), array("d")
        for start, end in self.spans:
            first, beyond = bisect_left(times, start), bisect_left(times, end)
            if beyond - first == len(times):
                return _Made(times, values, *counted)
            kept += times[first:beyond]
            of_kept += values[first:beyond]
        return _Made(kept, of_kept, *counted)

    def glance(self) -> Glance | None:
        if (seen := self.parent._state.glance()) is not None:
            for start, end in self.spans:
                if start <= seen.first and seen.last < end:
                    return seen
        return None


class _Watched(msgspec.Struct, gc=False):
    source: Any  # a `_Source`
    seen: Glance
    about: Any
    tell: Watcher | None

    def make(self) -> _Made:
        made: _Made = self.source.make()
        tell, self.tell = self.tell, None  # once, whichever thread comes first
        if tell is not None:
            tell(self.seen, self.about, len(made.times), made.odd)
        return made

    def glance(self) -> Glance:
        return self.seen


class Columns:
    """The times and values of a series, sorted by time, one value a time; decoded on first access.

    What one vendor may send and the other not, both survive: points in any order, rows too long or too
    short, nulls, numbers in quotes. Of several points with one time the first is kept, except that a
    number is preferred to NaN; `contradicted` counts those that had another value. Nothing in the text of a
    point ever raises.

    The arrays support the buffer protocol: `numpy.asarray(columns.values)` copies nothing.

    Args:
        chunks: JSON text of one list of points, or of several lists that continue each other. Anything
            that is not `bytes` is copied, so that no larger buffer stays alive.
        form: how the points are spelt.
        scale: factor on every value, for example 0.001 from bit/s to kbit/s.
        clip: `(start, end)` in epoch seconds, start included and end excluded; points outside are dropped
            and counted in `outside`. None keeps all.
    """

    __slots__ = ("_state",)
    _state: _Source

    def __init__(
        self,
        chunks: bytes | Sequence[bytes],
        form: PointForm,
        *,
        scale: float = 1.0,
        clip: tuple[float, float] | None = None,
    ) -> None:
        several = (chunks,) if type(chunks) is bytes else _own(chunks)
        # One attribute holds either the source or what was made of it: the exchange is atomic, so two
        # threads that read at once may both decode, but neither finds the source gone.
        self._state = _Text(several, form, scale, clip)

    @classmethod
    def of(
        cls,
        times: Iterable[int],
        values: Iterable[float],
        *,
        untimed: int = 0,
        outside: int = 0,
        contradicted: int = 0,
    ) -> Columns:
        """Columns made of numbers at hand: sorted, duplicates dropped, NaN for what is missing.

        Args:
            times: epoch seconds.
            values: as many values.
            untimed: points that were dropped because their time is unreadable.
            outside: points that fell outside the clip.
            contradicted: points that were dropped before because another value of their time was kept.

        Raises:
            ValueError: the two differ in length.
        """
        when, what = array("q", times), array("d", values)
        if len(when) != len(what):
            raise ValueError(f"{len(when)} times but {len(what)} values")
        kept, of_kept, more = _tidy([(when, what, _increasing(when))])
        return cls._from(_Made(kept, of_kept, untimed, outside, contradicted + more))

    @classmethod
    def join(cls, parts: Iterable[Columns]) -> Columns:
        """The points of several Columns as one, decoded on first access; of duplicates the first is kept.

        Args:
            parts: the same series from neighbouring or overlapping windows, in any order.
        """
        pieces = tuple(parts)
        if len(pieces) > 1:
            pieces = _without_copies(pieces)
        return pieces[0] if len(pieces) == 1 else cls._from(_Joined(pieces))

    def slice(self, start: float, end: float, *, counts: bool = False) -> Columns:
        """The points from `start` up to, not including, `end`, cut out on first access; see `within`.

        Args:
            start: epoch seconds, included.
            end: epoch seconds, excluded.
            counts: as `within` has it.
        """
        return self.within(((start, end),), counts=counts)

    def within(self, spans: Sequence[tuple[float, float]], *, counts: bool = False) -> Columns:
        """The points that lie in one of these spans, cut out on first access. The rest is not `outside`.

        Args:
            spans: first and last second of each, epoch, the first included, the last excluded; in order, none over
                another.
            counts: True if what is `outside` of the whole, and its times that could not be read, count here: once, so
                that sums over pieces count nothing twice.
        """
        cut = object.__new__(Columns)
        cut._state = _Within(self, tuple(spans), counts)
        return cut

    def without(self, spans: Sequence[tuple[float, float]]) -> Columns:
        """The points that lie in none of these spans, cut out on first access.

        Args:
            spans: as `within` has them.
        """
        edges = [-inf, *chain.from_iterable(spans), inf]
        return self._from(_Within(self, tuple(zip(edges[::2], edges[1::2], strict=True)), counts=False))

    @property
    def times(self) -> array[int]:
        """Epoch seconds, strictly increasing."""
        return self._made().times

    @property
    def values(self) -> array[float]:
        """One value for each time; NaN where the vendor sent null or something that is not a number."""
        return self._made().values

    def to_dict(self) -> dict[str, object]:
        """Points as JSON can hold them (for NaN None, for an infinity its name), and how many were dropped, if any."""
        numbers = self.values.tolist()
        values = numbers if isfinite(sum(numbers)) else [_as_json(number) for number in numbers]
        counts = {"untimed": self.untimed, "outside": self.outside, "contradicted": self.contradicted}
        return {"times": self.times.tolist(), "values": values, **{name: n for name, n in counts.items() if n}}

    @property
    def odd(self) -> int:
        """How many values are NaN, plus how many points were dropped: `untimed` and `contradicted`."""
        return self._made().odd

    @property
    def untimed(self) -> int:
        """How many points were dropped because their time is unreadable."""
        return self._made().untimed

    @property
    def contradicted(self) -> int:
        """How many points were dropped because of their time another value was kept, the first that came."""
        return self._made().contradicted

    @property
    def outside(self) -> int:
        """How many times fell outside the clip."""
        return self._made().outside

    @property
    def _astray(self) -> int:
        """How many of them a vendor had no reason to show: one whose ends are included shows the second of the end."""
        made = self._made()
        return made.outside - made.ended

    @property
    def is_read(self) -> bool:
        """Whether the text has been decoded already (and dropped)."""
        return isinstance(self._state, _Made)

    def _glance(self) -> Glance | None:
        """What can be told of the points without decoding them: None if it is not plain that there are any.

        The first and the last of them are where they should be; what is between shows when they are decoded.
        """
        return self._state.glance()

    def _watch(self, about: Any, tell: Watcher) -> Glance | None:
        """What `_glance` gives of points that were not decoded yet; what decoding them has shown is told then.

        Args:
            about: handed on as it is.
            tell: called at most once, in the thread that reads first, with what is given here, `about`, how many points
                there are, and how many `odd`.
        """
        state = self._state
        if isinstance(state, _Made) or (seen := state.glance()) is None:
            return None
        self._state = _Watched(state, seen, about, tell)
        return seen

    def __len__(self) -> int:
        return len(self._made().times)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Columns):
            return NotImplemented
        mine, theirs = self._made(), other._made()
        if mine.times != theirs.times:
            return False
        pairs = zip(mine.values, theirs.values, strict=True)
        return mine.values == theirs.values or all(a == b or (isnan(a) and isnan(b)) for a, b in pairs)

    __hash__: ClassVar[None]  # type: ignore[assignment]  # arrays can change

    def __repr__(self) -> str:
        state = self._state
        return (
            f"<Columns of {counted(len(state.times), 'point')}>"
            if isinstance(state, _Made)
            else "<Columns not read yet>"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return _revive, tuple(self._made())

    @classmethod
    def _from(cls, state: _Source) -> Columns:
        self = cls.__new__(cls)
        self._state = state
        return self

    def _made(self) -> _Made:
        state = self._state
        if not isinstance(state, _Made):
            self._state = state = state.make()
        return state


def _as_json(value: float) -> float | str | None:
    return value if isfinite(value) else None if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _own(chunks: bytes | Sequence[bytes]) -> tuple[bytes, ...]:
    return (bytes(chunks),) if isinstance(chunks, bytes) else tuple(map(bytes, chunks))


def _without_copies(pieces: tuple[Columns, ...]) -> tuple[Columns, ...]:
    """The same without those that are not decoded, and the text of an earlier one to the letter."""
    kept: list[Columns] = []
    for piece in pieces:
        if not any(type(piece._state) is type(one._state) is _Text and piece._state == one._state for one in kept):
            kept.append(piece)
    return tuple(kept)


def _revive(times: array[int], values: array[float], untimed: int, outside: int, *more: int) -> Columns:
    return Columns._from(_Made(times, values, untimed, outside, *more))


def _increasing(times: Sequence[int]) -> bool:
    return all(starmap(lt, pairwise(times)))


def _tidy(parts: Sequence[tuple[array[int], array[float], bool]]) -> tuple[array[int], array[float], int]:
    """One pair of columns, strictly increasing in time, of parts that say whether they already are.

    Beside it, how many points have another value than the one of their time that is kept.
    """
    parts = [part for part in parts if part[0]]
    if len(parts) == 1 and parts[0][2]:
        return parts[0][0], parts[0][1], 0
    in_time = sorted(parts, key=_first)
    apart = all(before[0][-1] < after[0][0] for before, after in pairwise(in_time))
    times, values = array("q"), array("d")
    if apart and all(increasing for _, _, increasing in parts):
        for when, what, _ in in_time:
            times += when
            values += what
        return times, values, 0
    for when, what, _ in parts:  # in the order given: of duplicates the first is kept
        times += when
        values += what
    return _sorted(times, values)


def _first(part: tuple[array[int], array[float], bool]) -> int:
    return part[0][0]


def _begun(seen: Glance) -> int:
    return seen.first


def _sorted(times: array[int], values: array[float]) -> tuple[array[int], array[float], int]:
    kept: dict[int, float] = {}
    contradicted = 0
    for when, what in zip(times, values, strict=True):
        had = kept.get(when)
        if had is None or (isnan(had) and not isnan(what)):
            kept[when] = what
        elif had != what and not isnan(what):
            contradicted += 1
    order = sorted(kept)
    return array("q", order), array("d", map(kept.__getitem__, order)), contradicted
