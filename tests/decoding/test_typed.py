"""The quick way through a page and the lenient one agree, whatever is in it; and what is usual goes the quick way."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics import Call, Endpoint, Response, Session, TimeRange
from agora_tencent_analytics.agora import replies as agora_replies
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, CALL_SESSIONS_2024
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.decoding.rows import Structure
from agora_tencent_analytics.decoding.typed import TypedRows
from agora_tencent_analytics.errors import AnalyticsError
from agora_tencent_analytics.tencent import replies as tencent_replies
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO, USER_INFO
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.wire import Asked, Reply, Vendor, decoded
from benchmarks.decode import pages

Rows = list[dict[str, Any]]


class Page(NamedTuple):
    """A page of the usual shape."""

    vendor: Vendor
    row: Endpoint[Any]
    body: Any
    params: dict[str, Any]

    @property
    def inside(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.get("Response", self.body)
        return found


def page(vendor: Vendor, row: Endpoint[Any], make: Callable[[], bytes], **params: Any) -> Page:
    return Page(vendor, row, json.loads(_made(make)), params)


@cache
def _made(make: Callable[[], bytes]) -> bytes:
    return make()


TENCENT = TencentVendor("ap-singapore")
PAGES: dict[str, Callable[[], Page]] = {
    "agora calls": lambda: page(AgoraVendor(), CALL_LISTS_2024, pages.agora_calls),
    "agora sessions": lambda: page(AgoraVendor(), CALL_SESSIONS_2024, pages.agora_sessions, call_id="c"),
    "tencent calls": lambda: page(TENCENT, ROOM_INFO, pages.tencent_rooms),
    "tencent sessions": lambda: page(TENCENT, USER_INFO, pages.tencent_users, CommId="c"),
}
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 1.0, 2.5, 10**10, 10**11, 10**13, 2**62, 2**63, 2**64, 10**30, 1e300),
    *(
        "",
        "x",
        "7",
        "1700000000",
        "true",
        "False",
        "\ud800",
        "a\udc00b",
        [],
        ["x"],
        [1, None],
        {},
        {"a": 1},
        {"(unread)": 1},
    ),
]
NAMES = ["vendor", "call_id", "session_id", "extra", "new", "(unread)", "platform", "account", "client_ip", "rows"]


def changes(of: Page) -> st.SearchStrategy[list[tuple[int, str, Any]]]:
    """Fields of some rows, or of what stands beside them (row -1), that are replaced or (`...`) left out."""
    names = sorted({name for row in of.inside[of.row.payload] for name in row} | set(of.inside) | set(NAMES))
    return st.lists(st.tuples(st.integers(-1, 2), st.sampled_from(names), st.sampled_from([*ODD, ...])), max_size=3)


def changed(of: Page, what: list[tuple[int, str, Any]]) -> bytes:
    rows = of.inside[of.row.payload] = [dict(row) for row in of.inside[of.row.payload][:3]]
    for at, name, value in what:
        target = of.inside if at < 0 else rows[at]
        if value is ...:
            target.pop(name, None)
        else:
            target[name] = value
    return json.dumps(of.body).encode()


def read(of: Page, body: bytes, *, quick: bool) -> Any:
    """What becomes of an answer: all of it that the walk sees, or the error."""
    response = Response(status=200, headers={}, body=body)
    asked = Asked(window=TimeRange(0, 10**10), params=of.params)
    with pytest.MonkeyPatch.context() as lenient:
        if not quick:
            for replies in (agora_replies, tencent_replies):
                lenient.setattr(replies.PAGES, "read", lambda *_: None)
            lenient.setattr(TypedRows, "read", lambda *_, **__: None)
        try:
            reply: Reply[Any] = decoded(of.vendor, of.row, response, of.vendor.unwrap(of.row, response), asked)
        except AnalyticsError as error:
            return type(error), str(error)
    flaws = reply.flaws
    told = (reply.ids, reply.total, reply.has_more, reply.request_id, reply.extra, reply.warning, reply.is_last)
    return [vars(one) for one in reply.items], told, (flaws.rows, flaws.fields, flaws.doubts)


@pytest.mark.parametrize("kind", PAGES)
def test_what_is_usual_goes_the_quick_way(kind: str) -> None:
    of = PAGES[kind]()
    body = json.dumps(of.body).encode()
    response = Response(status=200, headers={}, body=body)
    assert not isinstance(of.vendor.unwrap(of.row, response), dict)
    assert repr(read(of, body, quick=False)) == repr(read(of, body, quick=True))


@pytest.mark.parametrize("kind", PAGES)
@settings(max_examples=4 * settings().max_examples)
@given(data=st.data())
def test_the_quick_way_and_the_lenient_one_agree_about_impolite_rows(kind: str, data: st.DataObject) -> None:
    of = PAGES[kind]()
    body = changed(of, data.draw(changes(of)))
    # By their repr: 1 is not True there, and the order of attributes counts.
    assert repr(read(of, body, quick=False)) == repr(read(of, body, quick=True))


@pytest.mark.parametrize("kind", PAGES)
def test_each_odd_value_of_each_field_is_read_the_same_in_both_ways(kind: str) -> None:
    names = sorted({name for row in PAGES[kind]().inside[PAGES[kind]().row.payload] for name in row} | set(NAMES))
    for name in names:
        for value in [*ODD, ...]:
            of = PAGES[kind]()
            body = changed(of, [(1, name, value)])
            assert repr(read(of, body, quick=False)) == repr(read(of, body, quick=True)), (name, value)


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize(("value", "slowly"), [("x", 1), (True, 0)])
def test_beside_an_odd_row_the_others_go_the_quick_way(
    kind: str, value: Any, slowly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []
    build = Structure._build

    def counted(self: Structure, row: Any, *more: Any) -> Any:
        built.append(row)
        return build(self, row, *more)

    monkeypatch.setattr(Structure, "_build", counted)
    of = PAGES[kind]()
    (finished,) = (name for name in of.inside[of.row.payload][0] if name.endswith("inished"))
    found = read(of, changed(of, [(1, finished, value), (2, "new", {"a": 1})]), quick=True)[0]
    assert {"new": {"a": 1}} == found[2]["extra"]
    assert (3, slowly) == (len(found), len(built))


@attrs.frozen(kw_only=True, slots=False)
class Checked:
    """A record that checks what it is given."""

    finished: bool = attrs.field(validator=attrs.validators.instance_of(bool))


def test_a_record_that_does_more_than_store_is_not_made_past_its_constructor() -> None:
    with pytest.raises(TypeError, match="does more than store"):
        TypedRows(Checked, {}, given=(), id="finished", unended="finished")


@pytest.mark.parametrize("model", [Call, Session])
def test_a_record_that_was_read_is_like_one_that_was_made(model: type[Any]) -> None:
    for make in PAGES.values():
        of = make()
        if of.row.model is model:
            for own in read(of, json.dumps(of.body).encode(), quick=True)[0]:
                made = model(**own)
                assert (list(vars(made)), vars(made)) == (list(own), own)
