"""Which host is asked next: arithmetic on given instants."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.http.hosts import FIRST_REST_S, LONGEST_REST_S, Hosts

A, B, C = "https://a.test", "https://b.test", "https://c.test"


def test_the_first_host_is_asked_as_long_as_it_answers() -> None:
    hosts = Hosts([A, B])
    assert [A, A] == [hosts.pick(0.0), hosts.pick(1e9)]
    hosts.answered(A)
    assert A == hosts.pick(2e9)


def test_a_host_that_failed_stands_behind_the_others_and_comes_back() -> None:
    hosts = Hosts([A, B, C])
    hosts.failed(A, 100.0)
    assert [B, B] == [hosts.pick(100.0), hosts.pick(100.0 + FIRST_REST_S - 0.1)]
    assert A == hosts.pick(100.0 + FIRST_REST_S)


def test_an_answer_ends_the_rest_and_forgets_the_failures() -> None:
    hosts = Hosts([A, B])
    for at in (0.0, 100.0, 300.0):
        hosts.failed(A, at)
    hosts.answered(A)
    assert A == hosts.pick(300.1)
    hosts.failed(A, 400.0)
    assert A == hosts.pick(400.0 + FIRST_REST_S), "not longer than the first time"


def test_each_further_failure_doubles_the_rest_up_to_a_bound() -> None:
    hosts, now, rests = Hosts([A, B]), 0.0, []
    for _ in range(8):
        hosts.failed(A, now)
        begun = now
        while hosts.pick(now) != A:
            now += 1.0
        rests.append(now - begun)
    assert [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0, 900.0] == rests
    assert (30.0, 900.0) == (FIRST_REST_S, LONGEST_REST_S)


def test_requests_that_fail_together_count_once() -> None:
    hosts = Hosts([A, B])
    for _ in range(8):
        hosts.failed(A, 0.0)
    assert A == hosts.pick(FIRST_REST_S)


def test_while_all_rest_the_one_that_rests_longest_already_is_asked() -> None:
    hosts = Hosts([A, B])
    hosts.failed(A, 0.0)
    hosts.failed(B, 1.0)
    assert A == hosts.pick(2.0)
    hosts.failed(A, 2.0)
    assert B == hosts.pick(3.0)


def test_an_ask_does_not_go_back_to_the_host_that_failed_it_though_others_had_better_luck() -> None:
    hosts = Hosts([A, B])
    hosts.failed(A, 0.0)
    hosts.answered(A)
    assert B == hosts.pick(0.0, besides=A)


def test_an_only_host_is_asked_whatever_happens() -> None:
    hosts = Hosts([A])
    hosts.failed(A, 0.0)
    assert [A, A] == [hosts.pick(0.0), hosts.pick(0.0, besides=A)]


MOVES = st.lists(st.tuples(st.sampled_from("fap"), st.sampled_from([A, B, C]), st.floats(0, 2_000)), max_size=60)


@given(MOVES)
def test_there_is_always_a_host_and_none_that_rests_before_one_that_does_not(
    moves: list[tuple[str, str, float]],
) -> None:
    hosts, now = Hosts([A, B, C]), 0.0
    rests: dict[str, float] = {}
    for move, url, passed in moves:
        now += passed
        if move == "f":
            hosts.failed(url, now)
            rests[url] = now + FIRST_REST_S  # at least
        elif move == "a":
            hosts.answered(url)
            rests.pop(url, None)
        never = [url for url in (A, B, C) if url not in rests]
        picked = hosts.pick(now)
        assert picked in (A, B, C)
        assert picked in never or not never or rests[picked] <= now
        assert picked not in [url for url, until in rests.items() if until > now] or not never
    far = now + LONGEST_REST_S
    assert A == hosts.pick(far), "in the end the preferred one is asked again"
