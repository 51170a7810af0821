from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from agora_tencent_analytics.simulator import (
    AnswerHtml,
    Delay,
    Drift,
    DuplicatePage,
    EmptyPage,
    Fail,
    Fault,
    Lie,
    Refuse,
    Reset,
    SimulatedAgora,
    Stall,
    Truncate,
    When,
    too_many_requests,
)
from tests.simulator.asking import END, NOW, START, Hand, agora, basic, now_get, now_post, small_world, tencent

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
    assert (2, 5) == (len(server.arrivals), server.log.by_endpoint[LISTS])
