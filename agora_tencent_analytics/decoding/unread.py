"""`SeriesReader`: a large answer of series, read but for its points, which stay text until somebody looks.

A vendor says with a `SeriesForm` how it words such an answer. Of the usual shape it is read into structs; whatever is
odd about it costs time, and not the answer. Reads no point (`points.py`), and gives no metric a name.

Nearly all of a large answer is points. Pairs are cut out before it is parsed, by finding where each list begins and
ends, so what is parsed is the hollow rest. Whether the points are sound JSON shows when they are read: there, what is
not costs its point and is counted. Objects are full of quotes and braces: to find their end would take as long as
msgspec takes to pass over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import asdict

from agora_tencent_analytics.decoding.bulk import LARGE, TooMuch, check_bulk, check_series
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rawjson import (
    UNREADABLE,
    number,
    open_list,
    open_object,
    open_objects,
    plain,
    read,
    rest,
    sound,
    text,
)
from agora_tencent_analytics.decoding.rows import UsualPages
from agora_tencent_analytics.decoding.series import UnreadSeries
from agora_tencent_analytics.models.calls import Session

HOLLOW = b"-614889782588491"
"""Stands in the place of points. An answer that has this number of its own shows by the count, and is parsed in full.
In any other the series that have it are those whose points were cut out, in their order, if they are as many."""
_NULL, _ABSENT = msgspec.Raw(b"null"), msgspec.Raw(b"")
_MOST_BESIDE = 500
"""The most unknown fields beside a list of series: each of these keeps them."""
_NOBODY = frozenset({"0", "false", "[]", "{}"})
_rows = msgspec.json.Decoder(list[dict[str, Any]] | None).decode


class SeriesForm(msgspec.Struct, kw_only=True, frozen=True):
    """How a vendor words an answer of series, key by key."""

    within: str = ""
    """Key of what all of the answer stands in; `""` if it stands in nothing."""
    envelope: Mapping[str, type]
    """What stands beside the series: whole numbers and texts."""
    series: str
    """Key of the list of series, or of those whose series they are."""
    group: str = ""
    """Key of the list of series of one session: metrics are numbers, and users may be, of whom nobody is number 0. `""`
    if each series names the user whose it is: metrics and users are texts."""
    owner: str
    """Key of the id of that session or user."""
    metric: str
    """Key of the metric's id."""
    peer: str
    """Key of the id of the user whose stream was measured."""
    points: str
    """Key of the points."""
    form: PointForm
    """How these are spelt."""
    sessions: str
    """Key of the rows of sessions that may stand beside the series."""


class SeriesAnswer(msgspec.Struct, kw_only=True):
    """An answer of series, its points unread."""

    envelope: dict[str, Any]
    """What stands beside the series; None for what is absent, null or not what it should be, or `""` for a text."""
    owners: set[str] = set()
    """Of which sessions or users it is; also of those without series."""
    series: list[UnreadSeries] = []
    """The series, in the order sent."""
    sessions: list[Any] | None = None
    """The rows of sessions as sent; None if there is no list of them, or they are in `usual`."""
    usual: list[Any] | None = None
    """Those rows, where all are as usual, for `UsualPages.records`."""
    extra: dict[str, Any] = {}
    """Unknown fields, and those of the envelope that are not what they should be."""
    is_about_series: bool = True
    """False if the list of series is missing; null is an empty list."""
    doubts: list[str] = []
    """What is not as it should be, and may cost series, in words."""

    def told(self) -> dict[str, Any]:
        """All that stands beside the series, as far as it is known."""
        if not self.extra:  # then nothing is odd
            return self.envelope
        return self.extra | {name: value for name, value in self.envelope.items() if value is not None}


class SeriesReader:
    """Reads the answers of a vendor that words them so.

    Args:
        form: how they are worded.
        pages: read rows of sessions of the usual shape.
    """

    def __init__(self, form: SeriesForm, pages: UsualPages) -> None:
        self._form, self._pages = form, pages
        self._begin = b'"%b":[[' % form.points.encode()
        metric, peer = (int, int | str | None) if form.group else (str, str | None)
        owner = ("owner", str, msgspec.field(name=form.owner))
        entry = [
            ("metric", metric, msgspec.field(name=form.metric)),
            ("peer", peer, msgspec.field(name=form.peer, default=None)),
            ("points", msgspec.Raw, msgspec.field(name=form.points, default=_NULL)),
        ]
        if form.group:
            inside = list[_struct("Entry", entry)] | None  # type: ignore[misc, valid-type]
            row = _struct("Group", [owner, ("series", inside, msgspec.field(name=form.group, default=None))])
        else:
            row = _struct("Entry", [owner, *entry])
        rows = list[row] | msgspec.UnsetType | None  # type: ignore[valid-type]
        answer = _struct(
            "Answer",
            [
                *((name, kind | None, "" if kind is str else None) for name, kind in form.envelope.items()),
                ("sessions", msgspec.Raw, msgspec.field(name=form.sessions, default=_ABSENT)),
                ("rows", rows, msgspec.field(name=form.series, default=msgspec.UNSET)),
            ],
        )
        if form.within:
            answer = _struct("Whole", [("answer", answer, msgspec.field(name=form.within))])
        self._quick: Callable[[bytes], Any] = msgspec.json.Decoder(answer).decode

    def read(self, body: bytes) -> SeriesAnswer:
        """Every series of an answer, with its points as text.

        Args:
            body: the answer as it came.

        Raises:
            ValueError: it is not JSON, or a list or an object is missing where the form needs one.
        """
        if self._form.form is not PointForm.PAIRS:
            return self._read(body, len(body))
        hollow, points = self._hollowed(body)
        if points and hollow.count(HOLLOW) == len(points):
            try:
                answer = self._read(hollow, len(body))
            except TooMuch:
                raise
            except ValueError:
                return self._read(body, len(body))
            cut = [series for series in answer.series if series.points == HOLLOW]
            if len(cut) == len(points):
                for series, pairs in zip(cut, points, strict=True):
                    series.points = pairs
                return answer
        return self._read(body, len(body))

    def _hollowed(self, body: bytes) -> tuple[bytes, list[bytes]]:
        """The answer without its lists of pairs, and these; as it is, and none, where they are spelt oddly."""
        kept: list[bytes] = []
        points: list[bytes] = []
        find, done = body.find, 0
        while (named := find(self._begin, done)) >= 0:
            first = named + len(self._begin) - 2
            # Pairs of numbers hold no quote: the next one opens another name, and they end before it.
            end = body.rfind(b"]]", first, find(b'"', first)) + 2
            if end < first:
                return body, []
            kept.append(body[done:first])
            points.append(body[first:end])
            done = end
        kept.append(body[done:])
        return HOLLOW.join(kept), points

    def _read(self, body: bytes, length: int) -> SeriesAnswer:
        form = self._form
        if form.form is PointForm.PAIRS:  # objects are counted with their series
            check_bulk(body, points=True, length=length)
        try:
            found = self._quick(body)
            envelope = asdict(found.answer if form.within else found)
            listed, rows = envelope.pop("sessions"), envelope.pop("rows")
            if len(body) > LARGE:
                check_bulk(memoryview(listed))
            usual = None if listed is _ABSENT else self._pages.parse(Session, listed) or None
            sessions = None if usual or listed is _ABSENT else _rows(listed) or []
        except UNREADABLE:
            return self._leniently(body)
        inside = sum(len(row.series or ()) for row in rows or ()) if form.group else 0
        check_series(inside + len(rows or ()), length)
        if form.group:
            series = [
                UnreadSeries(
                    owner=row.owner, metric=str(one.metric), peer_id=_somebody(one.peer), points=bytes(one.points)
                )
                for row in rows or ()
                for one in row.series or ()
            ]
        else:
            series = [
                UnreadSeries(owner=row.owner, metric=row.metric, peer_id=row.peer or "", points=bytes(row.points))
                for row in rows or ()
            ]
        return SeriesAnswer(
            envelope=envelope,
            owners={row.owner for row in rows or ()},
            series=series,
            sessions=sessions,
            usual=usual,
            is_about_series=rows is not msgspec.UNSET,
        )

    def _leniently(self, sent: bytes) -> SeriesAnswer:
        form, body = self._form, sound(sent)
        beside, fields = {}, open_object(body, "the reply")
        if form.within:
            beside, fields = rest(fields, (form.within,)), open_object(fields.get(form.within), form.within)
            if not fields:
                raise ValueError(f"the reply holds no {form.within}")
        elif not fields and body.strip() == b"null":
            raise ValueError("the reply should be an object, not null")
        doubts: list[str] = []
        sessions = [plain(row, rows=True) for row in open_list(fields.get(form.sessions), form.sessions, doubts)]
        owners = set[str]()
        series: list[UnreadSeries] = []
        for row in open_objects(fields.get(form.series), form.series, doubts):
            owner = text(plain(row.get(form.owner)))
            owners.add(owner)
            if form.group:
                extra = rest(row, (form.owner, form.group))
                if len(extra) > _MOST_BESIDE:
                    raise ValueError(f"{len(extra)} unknown fields in a session")
                entries = open_objects(row.get(form.group), form.group, doubts)
                series += [self._odd_series(owner, entry, extra) for entry in entries]
            else:
                series.append(self._odd_series(owner, row, {}))
        envelope = {name: _odd(plain(fields.get(name)), kind) for name, kind in form.envelope.items()}
        known = {form.sessions, form.series, *(name for name, value in envelope.items() if value is not None)}
        return SeriesAnswer(
            envelope=envelope,
            owners=owners,
            series=series,
            sessions=self._as_listed(sent, sessions) if form.sessions in fields else None,
            extra={**beside, **rest(fields, known)},
            is_about_series=form.series in fields,
            doubts=doubts,
        )

    def _as_listed(self, sent: bytes, sessions: list[Any]) -> list[Any]:
        """The rows of sessions as a listing has them, where a byte that is no UTF-8 leaves its mark on the row."""
        try:
            sent.decode()
        except UnicodeDecodeError:
            found = read(sent)
            listed = (found[self._form.within] if self._form.within else found).get(self._form.sessions)
            return listed if isinstance(listed, list) else sessions
        return sessions

    def _odd_series(self, owner: str, entry: Mapping[str, msgspec.Raw], beside: Mapping[str, Any]) -> UnreadSeries:
        form, metric, peer = self._form, plain(entry.get(self._form.metric)), text(plain(entry.get(self._form.peer)))
        whole = number(metric) if form.group else None
        known = (form.metric, form.peer, form.points, *(() if form.group else (form.owner,)))
        return UnreadSeries(
            owner=owner,
            metric=text(metric) if whole is None else str(whole),
            peer_id=_somebody(peer) if form.group else peer,
            points=bytes(entry.get(form.points, _NULL)),
            extra={**beside, **rest(entry, known)},
        )


def _somebody(peer: int | str | None) -> str:
    named = str(peer or "")
    return "" if named in _NOBODY else named


def _struct(name: str, fields: Sequence[Any]) -> type[Any]:
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, kw_only=True, gc=False)


def _odd(value: Any, kind: type) -> Any:
    return text(value) if kind is str else number(value)
