"""What the author of a provider declares, and need not write: errors, authentication, ranges, paths, fields, points."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import pytest

from agora_tencent_analytics.vendor import (
    DAY,
    AnyOf,
    Asked,
    BadInput,
    Bounds,
    Call,
    Endpoint,
    EnvironmentVariable,
    InvalidRequest,
    Limits,
    MetricSeries,
    Newest,
    NextPage,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Packet,
    PageNumber,
    Paginator,
    Param,
    Plan,
    Points,
    Provider,
    RateLimited,
    Refusal,
    Reply,
    Request,
    Response,
    Secret,
    Session,
    Structure,
    TimeRange,
    Unpaged,
    UnreadableReply,
    Vendor,
    VendorFault,
    WindowRefused,
    join_series,
    when,
)
from tests.support.in_turn import in_turn
from tests.support.outside_vendor import OVER, OutsideProvider, PlainVendor, call_rows, listed, row
from tests.support.virtual_time import run

CALLS = row("calls", Call, Unpaged())


class Worded(PlainVendor):
    """A vendor with codes of its own."""

    codes: ClassVar[Any] = {
        20003: NotPermitted,
        "expired": (NotAuthenticated, {"cause": "token"}),
        409: WindowRefused,
        207: VendorFault,
    }
    code_key = "error.code"
    message_key = "error.text"
    request_id_key = "trace"


def answer(status: int, body: Any, **headers: str) -> Response:
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=said
    )


# -- errors -----------------------------------------------------------------------------------------------------


@in_turn(
    ("status", "body", "kind", "code"),
    [
        (400, {}, InvalidRequest, "400"),
        (401, b"<html>", NotAuthenticated, "401"),
        (403, {}, NotPermitted, "403"),
        (404, {}, NotFound, "404"),
        (404, {"error": {"code": 0}}, NotFound, "404"),
        (409, {}, WindowRefused, "409"),
        (418, {}, Refusal, "418"),
        (207, {"rows": []}, VendorFault, "207"),
        (207, {"rows": [], "error": {"code": "expired"}}, NotAuthenticated, "expired"),
        (429, b"", RateLimited, "429"),
        (503, b"busy", VendorFault, "503"),
        (401, {"error": {"code": 20003}}, NotPermitted, "20003"),
        (500, {"error": {"code": "expired"}}, NotAuthenticated, "expired"),
        (500, {"error": {"code": "unknown"}}, VendorFault, "unknown"),
        (200, {"error": {"code": "expired"}, "rows": []}, NotAuthenticated, "expired"),
        (200, {"error": {"code": "unknown"}, "rows": []}, Refusal, "unknown"),
        (200, {"error": {"code": 20003}, "rows": []}, NotPermitted, "20003"),
        (200, {"error": {"code": "20003"}, "rows": []}, Refusal, "20003"),
        (200, {"error": "the backend is down", "rows": []}, Refusal, "200"),
    ],
)
def test_a_refusal_is_read_off_a_table_of_codes_and_else_of_statuses(
    status: int, body: Any, kind: type[Refusal], code: str
) -> None:
    with pytest.raises(kind) as caught:
        Worded().unwrap(CALLS, answer(status, body))
    assert (kind, code) == (type(caught.value), caught.value.code)


def test_a_refusal_says_what_the_vendor_says() -> None:
    with pytest.raises(NotAuthenticated) as caught:
        Worded().unwrap(CALLS, answer(400, {"error": {"code": "expired", "text": "sign in"}, "trace": 7}))
    error = caught.value
    assert ("sign in", "7", "token", "toy", "calls") == (
        error.message,
        error.request_id,
        error.cause,
        error.vendor,
        error.endpoint,
    )


@pytest.mark.parametrize("body", [{"rows": []}, {"rows": [], "code": 0}, {"rows": [], "code": "ok"}, {"rows": None}])
def test_a_good_answer_passes(body: Any) -> None:
    assert body == PlainVendor().unwrap(CALLS, answer(200, body))


@pytest.mark.parametrize("error", [None, "", False, {}, {"text": "none"}])
def test_an_error_that_is_none_is_a_good_answer(error: Any) -> None:
    assert {"rows": [], "error": error} == Worded().unwrap(CALLS, answer(200, {"rows": [], "error": error}))


@pytest.mark.parametrize("body", [b"<html>", [], b"", {"other": 1}])
def test_what_is_not_an_answer_is_unreadable(body: Any) -> None:
    certificate_or_error: Any
    with pytest.raises(UnreadableReply) as certificate_or_error:
        listed(OutsideProvider(lambda _: answer(200, body), vendor=PlainVendor(), paging=Unpaged()))
    assert "calls" == certificate_or_error.value.endpoint


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "Sun, 29 Nov 2026 18:00:30 GMT", "date": "Sun, 29 Nov 2026 18:00:00 GMT"}, 30.0),
        ({"retry_after": "Sun, 29 Nov 2026 18:00:30 GMT"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 400])
def test_retry_after_is_read_for_every_way_in_which_a_vendor_says_too_many(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    class Busy(PlainVendor):
        codes: ClassVar[Any] = {"busy": (RateLimited, {"per": "minute"})}

    with pytest.raises(RateLimited) as caught:
        Busy().unwrap(CALLS, answer(status, {"code": "busy"}, **headers))
    assert (seconds, "minute") == (caught.value.retry_after_s, caught.value.per)


# -- authentication ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "keys", "header", "value"),
    [
        ("bearer", Secret("t-1"), "Authorization", "Bearer t-1"),
        ("basic", ("AC1", Secret("s-1")), "Authorization", f"Basic {b64encode(b'AC1:s-1').decode()}"),
        ("X-Toy-Key", Secret("k-1"), "X-Toy-Key", "k-1"),
        ("X-Toy-Key", "k-1", "X-Toy-Key", "k-1"),
    ],
)
def test_authentication_by_name_and_what_it_adds_is_hidden(how: str, keys: Any, header: str, value: str) -> None:
    class Signed(PlainVendor):
        authentication = how

    request = Signed().authenticate(Request(method="GET", url="https://toy.test"), CALLS, keys, now=0)
    assert value == request.secrets[header].reveal()
    assert value not in repr(request)


def test_a_vendor_without_authentication_is_told_so_and_nothing_is_sent() -> None:
    class Unsigned(PlainVendor):
        authentication = ""

    provider = OutsideProvider(lambda _: {"rows": []}, vendor=Unsigned())
    with pytest.raises(BadInput, match="Unsigned needs an `authentication`"):
        listed(provider)
    assert [] == provider.server.asked


class Keyed(Provider):
    """Declares its variables once."""

    environment: ClassVar[Any] = {
        "account_id": EnvironmentVariable("KEYED_ACCOUNT", kind="key"),
        "token": EnvironmentVariable("KEYED_TOKEN", kind="secret"),
        "base_url": EnvironmentVariable("KEYED_URL", required=False),
    }
    seen: Any = None

    def __init__(self, *, account_id: str, token: str | Secret[str], base_url: str = "https://toy.test") -> None:
        type(self).seen = token
        super().__init__(vendor=PlainVendor(), plan=PLAN, base_url=base_url, keys=(account_id, token))

    def calls(self, over: Any, **options: Any) -> Paginator[Call]:
        return self.ask(CALLS, over)


LIMITS = Limits(history_s=30 * 86_400, span_s=7_200, page_size=100)
PLAN = Plan(vendor="toy", name="only", rows={"any": LIMITS}, source="https://toy.test", read_on="2026-11-01")


def test_a_secret_argument_is_hidden_before_the_constructor_begins_and_names_no_quota() -> None:
    provider = Keyed(account_id="AC1", token="t-1-secret")
    assert Secret("t-1-secret") == Keyed.seen
    found = Keyed.from_env({"KEYED_ACCOUNT": "AC1", "KEYED_TOKEN": "t-1-secret"})
    assert provider.identity == found.identity
    with pytest.raises(BadInput, match="KEYED_TOKEN"):
        Keyed.from_env({"KEYED_ACCOUNT": "AC1"})


@pytest.mark.parametrize("token", ["", "with blank", "line\nbreak", None])
def test_a_key_that_cannot_be_one_is_refused(token: Any) -> None:
    with pytest.raises(BadInput, match="keys must be"):
        Keyed(account_id="AC1", token=token)


@pytest.mark.parametrize("name", ["Toy", "toy_2", "", "toy 2", "tøy"])
def test_a_vendors_name_is_made_of_lower_case_letters_digits_and_hyphens(name: str) -> None:
    vendor = PlainVendor()
    vendor.name = name
    with pytest.raises(BadInput, match="lower-case letters"):
        OutsideProvider(lambda _: {}, vendor=vendor)


# -- how a question is spelt ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "since", "until"),
    [
        ("seconds", str(OVER.start), str(OVER.end)),
        ("milliseconds", f"{OVER.start}000", f"{OVER.end}000"),
        ("iso", "2026-09-21T12:13:20Z", "2026-09-21T13:13:20Z"),
    ],
)
def test_a_range_is_spelt_as_the_vendor_takes_it(form: Any, since: str, until: str) -> None:
    calls = msgspec.structs.replace(CALLS, bounds=Bounds(start="since", end="until", form=form))
    provider = OutsideProvider(lambda _: {"rows": []}, calls_row=calls)
    listed(provider)
    assert [(since, until)] == [(asked["since"], asked["until"]) for asked in provider.server.asked]


def test_a_parameter_in_the_path_is_quoted_and_stands_nowhere_else() -> None:
    people = row("people", Session, Unpaged(), path="/rooms/{call_id}/people", fixed={"Status": "gone", "n": 1})
    provider = OutsideProvider(lambda _: {"rows": []}, sessions_row=people)
    call = Call(vendor="toy", call_id="a/b?c#d é", created_ts=OVER.start, destroyed_ts=OVER.start + 5)
    run(provider.sessions(call).collect)
    (asked,) = provider.server.asked
    assert "/rooms/a%2Fb%3Fc%23d%20%C3%A9/people" == asked["path"]
    assert {"path", "since", "until", "Status", "n", "page", "limit"} - {"page", "limit"} == asked.keys()


@pytest.mark.parametrize("call_id", [".", ".."])
def test_a_parameter_that_would_change_the_path_is_refused(call_id: str) -> None:
    people = row("people", Session, Unpaged(), path="/rooms/{call_id}/people")
    provider = OutsideProvider(lambda _: {}, sessions_row=people)
    with pytest.raises(BadInput, match="a part of its path"):
        provider.sessions(Call(vendor="toy", call_id=call_id, created_ts=OVER.start))


def test_an_app_that_would_change_the_path_is_refused() -> None:
    calls = row("calls", Call, Unpaged(), path="/apps/{tenant}/calls", app=Param(name="tenant"))
    assert "/apps/a/calls" in PlainVendor().request(calls, "https://toy.test", {"tenant": "a"}).url
    with pytest.raises(BadInput, match="that would change it"):
        PlainVendor().request(calls, "https://toy.test", {"tenant": ".."})


def test_a_row_needs_little() -> None:
    least: Endpoint[Call] = Endpoint(
        name="rooms",
        vendor="toy",
        model=Call,
        path="/rooms",
        payload="",
        bounds=Bounds(),
        paging=Unpaged(),
        source="https://toy.test",
        read_on="2026-11-01",
    )
    assert ("rooms", "rooms", "", "") == (least.limits, least.counter, least.app.name, least.bounds.start)
    assert hash(least) == hash(msgspec.structs.replace(least))
    rows = call_rows([5])
    assert rows == PlainVendor().unwrap(least, answer(200, rows))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"path": "/rooms/{room}/calls"}, "no parameter 'room'"),
        ({"given": {"channel": "room"}}, "no parameter 'room'"),
        ({"paging": PageNumber(number="at", size="n", base=1, total="none", offset=True)}, "base=0"),
        ({"paging": Newest(most=4, at="started")}, "a Call to have 'started'"),
        ({"paging": Newest(most=4, at="")}, "a Call to have ''"),
        ({"paging": Newest(most=4, at="created_ts"), "key": ()}, "needs a `key`"),
        ({"paging": AnyOf(most=4, at="created_ts"), "key": ()}, "needs a `key`"),
    ],
)
def test_a_row_that_cannot_be_asked_is_refused_where_it_is_written(columns: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        msgspec.structs.replace(CALLS, **columns)


def test_a_plan_that_says_nothing_of_its_pages_is_refused_before_anything_is_sent() -> None:
    provider = OutsideProvider(lambda _: {"rows": []}, page_size=0)
    with pytest.raises(BadInput, match="have no page_size"):
        provider.calls(OVER)
    for span_s, history_s in ((0, DAY), (DAY, 0)):
        with pytest.raises(ValueError, match=">= 1"):
            Limits(span_s=span_s, history_s=history_s)


@pytest.mark.parametrize("paging", [PageNumber(number="page", size="limit", base=0, total="none"), NextPage(send="to")])
def test_pages_whose_rows_have_no_ids_are_not_believed_to_be_all(paging: Any) -> None:
    provider = OutsideProvider(
        lambda _: {"rows": call_rows([OVER.start])}, vendor=PlainVendor(), calls_row=row("calls", Call, paging, key=())
    )
    with pytest.raises(UnreadableReply, match="name their `key`"):
        listed(provider)


# -- what rows become -------------------------------------------------------------------------------------------

NESTED = Structure(
    {
        Call: {
            "call_id": "sid",
            "channel": lambda one: one["room"]["name"],
            "created_ts": when("from"),
            "destroyed_ts": lambda one: when("from")(one) + one["duration"],
        }
    }
)


def nested(**fields: Any) -> dict[str, Any]:
    return {"sid": "a", "room": {"name": "r"}, "from": "2026-09-21T12:13:20Z", "duration": 60, **fields}


@pytest.mark.parametrize("moment", ["2026-09-21T12:13:20Z", "2026-09-21T14:13:20+02:00", OVER.start, OVER.start * 1000])
def test_attributes_are_computed_from_the_row_whatever_the_time_is_spelt_in(moment: Any) -> None:
    odd: list[str] = []
    (call,) = NESTED.rows([nested(**{"from": moment})], Call, odd=odd.extend, vendor="toy")
    assert ("a", "r", OVER.start, OVER.start + 60) == (call.call_id, call.channel, call.created_ts, call.destroyed_ts)
    assert [] == odd
    assert {"room", "from", "duration"} == call.extra.keys()


def test_an_attribute_that_a_record_lacks_is_refused_where_it_is_named() -> None:
    with pytest.raises(BadInput, match="a Call does not have 'chanel'"):
        Structure({Call: {"call_id": "id", "chanel": "room"}})


def test_what_merges_gives_a_list_and_no_generator_that_may_never_end() -> None:
    class Merging(OutsideProvider):
        def sessions(self, call: Call, **options: Any) -> Paginator[Session]:
            packet = Packet(params={"call_id": call.call_id})
            return self.ask_about(self.sessions_row, call, [packet], merge=lambda _: iter(int, 1))  # type: ignore[arg-type,return-value]

    rows = [{"call_id": "c7", "session_id": "s", "user_id": "u", "join_ts": OVER.start}]
    call = Call(vendor="toy", call_id="c7", created_ts=OVER.start, destroyed_ts=OVER.start + 5)
    with pytest.raises(TypeError, match="merge= gave its records as callable_iterator"):
        run(Merging(lambda _: {"rows": rows}, vendor=PlainVendor()).sessions(call).collect)


def test_what_cannot_be_computed_costs_the_field_where_it_is_optional_and_else_the_row() -> None:
    odd: list[str] = []
    (call,) = NESTED.rows([nested(duration="long")], Call, odd=odd.extend, vendor="toy")
    assert (None, ["destroyed_ts"]) == (call.destroyed_ts, odd)
    with pytest.raises(ValueError, match="without a time zone"):
        NESTED.rows([nested(**{"from": "2026-09-21T12:13:20"})], Call, vendor="toy")


def test_attributes_that_the_answer_leaves_out_come_from_the_question() -> None:
    people = row("people", Session, Unpaged(), given={"call_id": "call_id"})
    rows = [{"session_id": "s", "join_ts": OVER.start}]
    provider = OutsideProvider(lambda _: {"rows": rows}, sessions_row=people, vendor=PlainVendor())
    call = Call(vendor="toy", call_id="c7", created_ts=OVER.start, destroyed_ts=OVER.start + 5)
    assert [("c7", "s")] == [(one.call_id, one.session_id) for one in run(provider.sessions(call).collect)]


# -- points -----------------------------------------------------------------------------------------------------

WIDE = Points(
    at="time",
    session="who",
    metrics={"rtt": "rtt", "recv": ("video_receive_bitrate", 0.001), "mos": "toy.mos"},
)
WIDE_ROWS = [
    {"time": "2026-09-21T12:13:20Z", "who": "s1", "rtt": 5, "recv": 1_000},
    {"time": "2026-09-21T12:13:35Z", "who": "s2", "rtt": 6, "mos": None},
    {"time": "2026-09-21T12:13:35Z", "who": "s1", "rtt": 7, "recv": 2_000},
]
PAIRS = Points(pairs="kvs", metric="name", session="who", peer="from", metrics={"rtt": "rtt"})
PAIR_ROWS = [
    {"who": "s1", "name": "rtt", "kvs": [[OVER.start, 5], [OVER.start + 15, 7]]},
    {"who": "s1", "name": "jitter", "from": "u9", "kvs": [[OVER.start * 1000, None]]},
]


def metered(points: Points, rows: Any, why: str = "") -> list[MetricSeries]:
    logs = Endpoint(
        name="logs",
        vendor="toy",
        model=MetricSeries,
        path="/logs",
        payload="rows",
        bounds=Bounds(start="since", end="until"),
        params=(Param(name="call_id", required=True),),
        given={"call_id": "call_id"},
        paging=PageNumber(number="offset", size="limit", base=0, total="none", offset=True),
        points=points,
        limits="any",
        source="https://toy.test",
        read_on="2026-11-01",
    )

    class Metered(OutsideProvider):
        def metrics(self, call: Call, sessions: Any, **options: Any) -> Paginator[MetricSeries]:
            return self.ask_about(logs, call, [Packet(params={"call_id": call.call_id})], merge=join_series)

    def page(asked: Mapping[str, str]) -> Any:
        at, size = int(asked["offset"]), int(asked["limit"])
        return {"rows": rows[at : at + size]}

    provider = Metered(page, vendor=PlainVendor(), page_size=2)
    call = Call(vendor="toy", call_id="c1", created_ts=OVER.start, destroyed_ts=OVER.start + 50)
    people = [
        Session(vendor="toy", call_id="c1", session_id=name, user_id=name, join_ts=OVER.start) for name in ("s1", "s2")
    ]

    async def scenario() -> list[MetricSeries]:
        listing = provider.metrics(call, people)
        found = await listing.collect()
        assert why in listing.certificate.why
        assert bool(why) == bool(listing.certificate.why)
        return found

    return run(scenario)


@pytest.mark.parametrize("factor", [0, float("nan"), float("inf")])
def test_a_factor_that_would_leave_nothing_of_the_values_is_refused_where_it_is_written(factor: float) -> None:
    with pytest.raises(BadInput, match="'recv' needs a factor"):
        Points(at="time", metrics={"recv": ("video_receive_bitrate", factor)})


def test_wide_rows_become_a_series_for_each_metric_and_session_over_all_pages() -> None:
    found = {
        (one.session_id, one.metric, one.unit): (list(one.times), list(one.values)) for one in metered(WIDE, WIDE_ROWS)
    }
    times = [OVER.start, OVER.start + 15]
    assert (times, [5.0, 7.0]) == found["s1", "rtt", "ms"]
    assert (times, [1.0, 2.0]) == found["s1", "video_receive_bitrate", "kbps"]
    assert ([times[1]], [6.0]) == found["s2", "rtt", "ms"]
    assert 1 == len(found["s2", "toy.mos", ""][0]), "a metric outside of the vocabulary has its vendor's name before it"
    assert 4 == len(found)


def test_pairs_become_a_series_for_each_row_and_what_is_not_listed_is_named_after_its_vendor() -> None:
    found = {(one.metric, one.vendor_metric, one.peer_id): list(one.times) for one in metered(PAIRS, PAIR_ROWS)}
    assert {
        ("rtt", "rtt", ""): [OVER.start, OVER.start + 15],
        ("toy.jitter", "jitter", "u9"): [OVER.start],
    } == found


@in_turn(
    ("points", "bad", "why"),
    [
        (WIDE, {"who": "s1", "rtt": 9}, "KeyError: 'time'"),
        (WIDE, {"time": "2026-09-21T12:13:20", "who": "s1", "rtt": 9}, "without a time zone"),
        (WIDE, {"time": OVER.start, "rtt": 9}, "KeyError: 'who'"),
        (WIDE, {"time": OVER.start, "who": None, "rtt": 9}, "'who' is null"),
        (WIDE, ["s1", 9], "expected an object"),
        (PAIRS, {"who": "s1", "name": "rtt", "kvs": [{"t": 1}]}, "cannot be read"),
    ],
)
def test_a_row_of_points_that_cannot_be_read_costs_itself_and_is_told(points: Points, bad: Any, why: str) -> None:
    rows = WIDE_ROWS if points is WIDE else PAIR_ROWS
    assert metered(points, rows) == metered(points, [rows[0], bad, *rows[1:]], why)


def test_values_that_are_no_numbers_are_told_and_those_that_are_missing_are_not() -> None:
    said = {"time": OVER.start + 30, "who": "s1", "rtt": "30 ms"}
    (series,) = [one for one in metered(WIDE, [said], "'rtt' cannot be read as it was sent") if one.metric == "rtt"]
    assert 1 == series.odd
    (series,) = metered(WIDE, [{**said, "rtt": ""}])
    assert 1 == series.odd


def test_series_need_points_or_a_decode_of_the_authors() -> None:
    logs = row("logs", MetricSeries, Unpaged())
    with pytest.raises(TypeError, match="does not say with `points`"):
        PlainVendor().decode(logs, {"rows": []}, Asked(window=OVER, params={}))


def test_rows_without_any_metric_that_is_declared_are_told() -> None:
    assert [] == metered(WIDE, [{"time": OVER.start, "who": "s1", "RTT": 5}], "without a metric of its `points`")


# -- a decode that is not what it should be ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"items": ({} for _ in range(3))}, "as generator, not as a list"),
        ({"items": [{"call_id": "a"}]}, "gave dict, where Call was due"),
        ({"items": [Call(vendor="toy", call_id="a", created_ts=5)], "ids": [5]}, "ids that are not texts"),
    ],
)
def test_a_decode_that_gives_something_else_is_told_so(reply: dict[str, Any], said: str) -> None:
    class Careless(PlainVendor):
        def decode(self, row: Any, body: Any, asked: Any) -> Any:
            return Reply(**reply)

    with pytest.raises(UnreadableReply, match=said):
        listed(OutsideProvider(lambda _: {"rows": []}, vendor=Careless(), paging=Unpaged()))


def test_a_vendor_with_no_word_of_its_own_is_asked_page_by_page() -> None:
    paging = NextPage(send="after", size="limit", last=True)
    rows = call_rows(range(OVER.start, OVER.start + 7))
    assert isinstance(PlainVendor(), Vendor)

    def page(asked: Mapping[str, str]) -> Any:
        at = next((place + 1 for place, one in enumerate(rows) if one["call_id"] == asked.get("after")), 0)
        return {"rows": rows[at : at + int(asked["limit"])]}

    provider = OutsideProvider(page, vendor=PlainVendor(), paging=paging, page_size=3)
    calls, certificate = listed(provider, TimeRange(OVER.start, OVER.end))
    assert (7, "", 4) == (len(calls), certificate.why, len(provider.server.asked))
