from __future__ import annotations

import asyncio
import gzip
import json
import math
from email.utils import formatdate
from typing import Any

import pytest

from agora_tencent_analytics.simulator import (
    AnswerHtml,
    AnswerJson,
    ClampPage,
    Compress,
    Crash,
    Delay,
    Drift,
    Drip,
    DuplicatePage,
    EmptyPage,
    ExpireToken,
    Fail,
    Fault,
    Garble,
    Lie,
    Refuse,
    Reorder,
    Reset,
    SetHeader,
    SimulatedAgora,
    Stall,
    Truncate,
    When,
    WrongDate,
    WrongLength,
    moved_to,
    too_many_requests,
)
from tests.support.simulator_requests import (
    END,
    NOW,
    START,
    Hand,
    agora,
    basic,
    code_of,
    now_get,
    now_post,
    signed,
    small_world,
    tencent,
    tencent_payload,
)
from tests.support.virtual_time import run

WORLD = small_world()
LISTS = "call/lists"


def ask(server: SimulatedAgora) -> tuple[int, dict[str, str], bytes]:
    query = f"start_ts={START}&end_ts={END}&appid={server.credentials['app_id']}"
    return asyncio.run(server.answer("GET", f"/beta/analytics/call/lists?{query}", basic(server)))


def pages(*faults: Fault, count: int = 4, size: int = 5) -> list[dict[str, Any]]:
    server = agora(WORLD, faults=faults)
    return [
        now_get(server, LISTS, start_ts=START, end_ts=END, page_no=page, page_size=size) for page in range(1, count + 1)
    ]


def ids(page: dict[str, Any]) -> list[str]:
    return [call["call_id"] for call in page["call_lists"]]


@pytest.mark.parametrize("counted", [True, False])
def test_a_refusal_comes_in_the_vendors_envelope(counted: bool) -> None:
    server = agora(WORLD, faults=[Refuse(code=500, message="Unknown Error", counted=counted)])
    status, _, body = ask(server)
    assert (200, {"code": 500, "message": "Unknown Error", "data": None}) == (status, json.loads(body))
    assert (counted, "500", ("Refuse",)) == (
        server.arrivals[0].counted,
        server.arrivals[0].code,
        server.arrivals[0].faults,
    )
    other = tencent(WORLD, faults=[Refuse(code="InternalError.DBError", message="broken", counted=counted)])
    assert {"Code": "InternalError.DBError", "Message": "broken"} == now_post(other, "DescribeRoomInfo")["Error"]


def test_a_gateway_fails_in_html() -> None:
    server = agora(WORLD, faults=[Fail(status=503, title="503 Service Unavailable")])
    status, headers, body = ask(server)
    assert (503, "text/html", True) == (status, headers["Content-Type"], b"503 Service Unavailable" in body)
    assert "Date" in headers


def test_429_asks_to_wait_and_is_not_counted() -> None:
    server = agora(WORLD, faults=[too_many_requests(7, when=When(nth={1}))])
    status, headers, _ = ask(server)
    assert (429, "7", False) == (status, headers["Retry-After"], server.arrivals[0].counted)
    assert 200 == ask(server)[0]


@pytest.mark.parametrize(
    ("told", "expected"), [(None, None), (0, "0"), ("Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT")]
)
def test_429_says_when_to_come_back_in_any_words_or_none(told: int | str | None, expected: str | None) -> None:
    status, headers, _ = ask(agora(WORLD, faults=[too_many_requests(told)]))
    assert (429, expected) == (status, headers.get("Retry-After"))


def test_a_redirect_names_its_address_and_is_not_counted() -> None:
    server = agora(WORLD, faults=[moved_to("https://elsewhere.test/", status=308)])
    status, headers, _ = ask(server)
    assert (308, "https://elsewhere.test/", False) == (status, headers["Location"], server.arrivals[0].counted)


def test_json_of_any_shape_stands_in_for_the_answer() -> None:
    status, headers, body = ask(agora(WORLD, faults=[AnswerJson(text="[1]")]))
    assert (200, "application/json", b"[1]") == (status, headers["Content-Type"], body)


@pytest.mark.parametrize("value", ["NaN", '{"a":[1,{"b":2}]}', '"\\"call_id\\":"', "9" * 400])
def test_every_field_of_a_name_is_garbled_and_nothing_else(value: str) -> None:
    text = ask(agora(WORLD))[2].decode()
    garbled = ask(agora(WORLD, faults=[Garble(field="created_ts", value=value)]))[2].decode()
    calls = json.loads(text)["call_lists"]
    assert len(calls) == garbled.count(f'"created_ts":{value},')
    for call in calls:
        text = text.replace(f'"created_ts":{call["created_ts"]},', f'"created_ts":{value},')
    assert text == garbled


def test_a_whole_list_is_garbled_too_and_twice_is_once() -> None:
    faults = [Garble(field="call_lists", value="soon"), Garble(field="call_lists", value="5")]
    for fault, expected in [(faults, b'"call_lists":soon}'), (faults[::-1], b'"call_lists":soon}')]:
        assert ask(agora(WORLD, faults=fault))[2].endswith(expected)


def test_a_body_comes_compressed_padded_and_cut() -> None:
    plain = ask(agora(WORLD))[2]
    _, headers, body = ask(agora(WORLD, faults=[Compress(padding=3_000_000)]))
    assert ("gzip", str(len(body))) == (headers["Content-Encoding"], headers["Content-Length"])
    assert plain + b" " * 3_000_000 == gzip.decompress(body)
    assert len(body) < 30_000
    cut = ask(agora(WORLD, faults=[Compress(padding=3_000_000, keep=0.25)]))[2]
    assert body[: len(body) // 4] == cut


def test_a_label_changes_no_byte() -> None:
    plain, (_, headers, body) = (
        ask(agora(WORLD))[2],
        ask(agora(WORLD, faults=[SetHeader(name="Content-Encoding", value="br")])),
    )
    assert (plain, "br") == (body, headers["Content-Encoding"])


def test_what_is_garbled_is_so_before_it_is_compressed_whatever_the_order() -> None:
    faults: list[Fault] = [Truncate(keep=0.5), Compress(), Garble(field="total_size", value="5")]
    _, headers, body = ask(agora(WORLD, faults=faults))
    _, _, whole = ask(agora(WORLD, faults=faults[1:][::-1]))
    assert b'"total_size":5,' in gzip.decompress(whole)
    assert (str(len(whole)), whole[: len(whole) // 2]) == (headers["Content-Length"], body)


@pytest.mark.parametrize("seconds", [3_600, -3_600])
def test_only_the_date_is_wrong(seconds: float) -> None:
    server = agora(WORLD, faults=[WrongDate(seconds=seconds)])
    assert formatdate(NOW + seconds, usegmt=True) == ask(server)[1]["Date"]
    assert NOW == server.now()


def test_a_token_expires_and_the_credentials_hold_the_next_one() -> None:
    server = tencent(WORLD, token="first-token", faults=[ExpireToken(when=When(nth={2}))])
    body = json.dumps(tencent_payload(server)).encode()

    def code() -> str:
        headers = signed(server, "DescribeRoomInfo", body, more={"X-TC-Token": token})
        return code_of(json.loads(asyncio.run(server.answer("POST", "/", headers, body))[2])["Response"])

    token = server.credentials["token"]
    assert ["", "AuthFailure.TokenFailure", "AuthFailure.TokenFailure"] == [code() for _ in range(3)]
    token = server.credentials["token"]
    assert "" == code()
    permanent = tencent(WORLD, faults=[ExpireToken()])
    assert "Error" not in now_post(permanent, "DescribeRoomInfo")
    assert "token" not in permanent.credentials


def test_html_arrives_with_status_200() -> None:
    status, headers, body = ask(agora(WORLD, faults=[AnswerHtml()]))
    assert (200, "text/html", b"<html>") == (status, headers["Content-Type"], body[:6])


@pytest.mark.parametrize("counted", [True, False])
def test_a_reset_is_raised_before_or_after_counting(counted: bool) -> None:
    server = agora(WORLD, faults=[Reset(counted=counted)])
    with pytest.raises(ConnectionResetError):
        ask(server)
    assert (counted, 0) == (server.arrivals[0].counted, server.arrivals[0].status)


@pytest.mark.parametrize("in_body", [True, False])
def test_a_stall_takes_time(in_body: bool) -> None:
    hand = Hand()
    server = agora(WORLD, hand=hand, faults=[Stall(seconds=30, in_body=in_body)])
    assert 200 == ask(server)[0]
    assert NOW + 30 == hand.now


def test_a_truncated_body_is_shorter_than_it_says() -> None:
    whole = ask(agora(WORLD))[2]
    _, headers, body = ask(agora(WORLD, faults=[Truncate(keep=0.25)]))
    assert (str(len(whole)), whole[: len(whole) // 4]) == (headers["Content-Length"], body)


@pytest.mark.parametrize("counted", [True, False])
def test_a_crash_resets_what_is_under_way_and_refuses_what_comes_next(counted: bool) -> None:
    hand = Hand()
    server = agora(WORLD, hand=hand, faults=[Crash(down_s=30, counted=counted, when=When(nth={2}))])
    assert 200 == ask(server)[0]
    with pytest.raises(ConnectionResetError):
        ask(server)
    hand.now += 29.9
    with pytest.raises(ConnectionRefusedError):
        ask(server)
    hand.now += 0.2
    assert 200 == ask(server)[0]
    assert [True, counted, True] == [arrival.counted for arrival in server.arrivals], "what is refused did not arrive"


def test_a_crash_reaches_the_other_requests_too() -> None:
    async def scenario() -> list[str]:
        slow, fatal = Stall(seconds=2, when=When(nth={1})), Crash(down_s=math.inf, when=When(nth={2}))
        server = agora(WORLD, sleep=asyncio.sleep, faults=[slow, fatal])
        url = f"/beta/analytics/call/lists?start_ts={START}&end_ts={END}&appid={server.credentials['app_id']}"
        asked = (server.answer("GET", url, basic(server)) for _ in range(2))
        return [type(one).__name__ for one in await asyncio.gather(*asked, return_exceptions=True)]

    assert ["ConnectionResetError", "ConnectionResetError"] == run(scenario)


def test_a_body_drips() -> None:
    hand = Hand()
    whole = ask(agora(WORLD))[2]
    assert whole == ask(agora(WORLD, hand=hand, faults=[Drip(size=100, every_s=2)]))[2]
    assert NOW + 2 * math.ceil(len(whole) / 100) == hand.now


@pytest.mark.parametrize("off_by", [7, -7])
def test_a_length_is_wrong_and_the_body_whole(off_by: int) -> None:
    whole = ask(agora(WORLD))[2]
    _, headers, body = ask(agora(WORLD, faults=[WrongLength(off_by=off_by)]))
    assert (str(len(whole) + off_by), whole) == (headers["Content-Length"], body)


def test_delays_fall_before_and_after_counting() -> None:
    hand = Hand()
    server = agora(WORLD, hand=hand, faults=[Delay(before=1.5, after=(2.0, 4.0)), Delay(before=0.5)])
    ask(server)
    assert NOW + 2 == server.arrivals[0].at
    assert NOW + 4 <= hand.now <= NOW + 6


def test_a_lie_changes_only_what_it_is_about() -> None:
    honest = pages()
    assert [ids(page) for page in honest] == [ids(page) for page in pages(Lie(has_more=True, total_off_by=3))]
    assert [True] * 4 == [page["has_more"] for page in pages(Lie(has_more=True))]
    assert [17] * 4 == [page["total_size"] for page in pages(Lie(total_off_by=3))]
    assert [0] * 4 == [page["total_size"] for page in pages(Lie(total=0))]
    assert [page["has_more"] for page in honest] == [page["has_more"] for page in pages(Lie(total=0))]


def test_a_page_in_the_middle_comes_empty() -> None:
    found = pages(EmptyPage(when=When(nth={2})))
    assert [5, 0, 4, 0] == [len(ids(page)) for page in found]
    assert [True, True, False, False] == [page["has_more"] for page in found]


def test_a_page_comes_twice_and_the_first_never() -> None:
    honest, found = pages(), pages(DuplicatePage(when=When(nth={1, 2})))
    assert [ids(honest[0]), ids(honest[0]), ids(honest[2])] == [ids(page) for page in found[:3]]


def test_smaller_pages_go_on_where_they_ended_or_leave_gaps() -> None:
    everything = [one for page in pages() for one in ids(page)]
    found = pages(ClampPage(size=3), count=6)
    assert [everything[first : first + 3] for first in range(0, 18, 3)] == [ids(page) for page in found]
    assert [True, True, True, True, False, False] == [page["has_more"] for page in found]
    gaps = pages(ClampPage(size=3, skips=True), count=4)
    assert [everything[0:3], everything[5:8], everything[10:13], []] == [ids(page) for page in gaps]
    assert {14} == {page["total_size"] for page in [*found, *gaps]}
    assert [ids(page) for page in pages()] == [ids(page) for page in pages(ClampPage(size=9))]


def test_the_other_order_puts_rows_on_other_pages() -> None:
    everything = [one for page in pages() for one in ids(page)]
    found = pages(Reorder(when=When(nth={2})), count=3)
    assert [everything[0:5], everything[::-1][5:10], everything[10:]] == [ids(page) for page in found]


def test_calls_appear_while_the_pages_are_read() -> None:
    everything = [one for page in pages() for one in ids(page)]
    found = pages(Drift(rows=2), count=3)
    assert [everything[2:7], everything[6:11], everything[10:14]] == [ids(page) for page in found]
    assert [12, 13, 14] == [page["total_size"] for page in found]
    assert ids(found[0])[-1] == ids(found[1])[0]


def struck(when: When, count: int = 12, seed: int = 1) -> list[int]:
    server = agora(WORLD, faults=[Refuse(code=500, when=when)], seed=seed)
    bodies = [now_get(server, LISTS, page_no=number) for number in range(1, count + 1)]
    return [number for number, body in enumerate(bodies, 1) if body["code"] == 500]


def test_when_chooses_by_number_place_times_and_predicate() -> None:
    assert list(range(1, 13)) == struck(When())
    assert [2, 5] == struck(When(nth={2, 5}))
    assert [1, 2] == struck(When(times=2))
    assert [] == struck(When(endpoint="call/metrics"))
    assert [4, 8, 12] == struck(When(predicate=lambda arrival: int(arrival.facts["page_no"]) % 4 == 0))
    assert [8] == struck(When(endpoint=LISTS, predicate=lambda one: int(one.facts["page_no"]) % 4 == 0, nth={2}))


def test_chance_is_seeded() -> None:
    some = When(probability=0.3)
    first = struck(some, 60)
    assert first == struck(some, 60)
    assert first != struck(some, 60, seed=2)
    assert 6 <= len(first) <= 32
    assert [] == struck(When(probability=0))


def test_faults_are_injected_and_healed_while_it_runs() -> None:
    server = agora(WORLD)
    assert 200 == ask(server)[0]
    server.inject(Fail(), Stall(seconds=1))
    assert 502 == ask(server)[0]
    server.heal()
    assert 200 == ask(server)[0]
    assert [(), ("Fail", "Stall"), ()] == [arrival.faults for arrival in server.arrivals]


def test_a_throttled_request_is_refused_before_a_counted_fault() -> None:
    server = agora(WORLD, plan="standard", faults=[Fail()])
    assert [502, 200] == [ask(server)[0] for _ in range(2)]
    assert 1 == server.refused


def test_the_log_is_bounded_and_its_counts_are_not() -> None:
    server = agora(WORLD, log_bound=2)
    for _ in range(5):
        ask(server)
    assert (2, 5) == (len(server.arrivals), server.by_endpoint[LISTS])
