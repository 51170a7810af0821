"""`quota` in this process: what it reads, and that it sends nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agora_tencent_analytics.cli import main
from agora_tencent_analytics.simulator import SimulatedAgora, running_in_thread
from agora_tencent_analytics.simulator.fixtures import simulated_world

__all__ = ["simulated_world"]

KEYS = {"AGORA_APP_ID": "a1", "AGORA_CUSTOMER_ID": "customer", "AGORA_CUSTOMER_SECRET": "secret"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("TRTC_SDK_APP_ID", "AGORA_PLAN", "AGORA_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def line_of(shown: str, counter: str) -> list[str]:
    (line,) = (line for line in shown.splitlines() if f" {counter} " in line)
    return re.split(r"\s{2,}", line)


def test_a_fresh_account_has_the_whole_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["quota", "--plan", "premium"])
    shown = capsys.readouterr().out
    assert ["agora", "call/lists", "0", "1,999"] == line_of(shown, "call/lists")[:4]
    assert ["agora", "insight/usage/by_time", "0", "39"] == line_of(shown, "insight/usage/by_time")[:4]
    assert "secret" not in shown


def test_what_a_scan_spent_is_told_afterwards_and_nothing_is_sent(
    simulated_world: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_in_thread(SimulatedAgora(simulated_world, plan="enterprise")) as server:  # type: ignore[arg-type]
        for name, value in (*server.credentials.items(), ("plan", "enterprise"), ("base_url", server.base_url)):
            monkeypatch.setenv(f"AGORA_{name.upper()}", str(value))
        assert 0 == main(["scan", "--last", "1d", "--depth", "calls"])
        sent = len(server.arrivals)
        capsys.readouterr()
        assert 0 == main(["quota"])
        assert sent == len(server.arrivals)
    row = line_of(capsys.readouterr().out, "call/lists")
    assert ["agora", "call/lists", str(sent), f"{9_999 - sent:,}"] == row[:4]


def test_the_environment_says_where_requests_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "shared" / "quota.db"
    monkeypatch.setenv("ANALYTICS_QUOTA_STORE", str(place))
    assert 0 == main(["quota", "--plan", "premium"])
    assert place.exists()
    monkeypatch.setenv("ANALYTICS_QUOTA_STORE", "redis://:a-password@127.0.0.1:1/0")
    assert 1 == main(["quota", "--plan", "premium"])
    told = capsys.readouterr().err
    assert "redis://127.0.0.1:1/0" in told
    assert "a-password" not in told


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgres://u:a-password@h/x", "cannot be a postgres:// URL"),
        ("rediss://u:a-password@[::1/0", "is malformed"),
        ("redis://u:a-password@\u2100/0", "is malformed"),
    ],
)
def test_a_url_of_no_store_is_refused_without_its_password_and_names_no_file(
    url: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGORA_CUSTOMER_ID", url.partition(":")[0])  # an account has one store in a process
    monkeypatch.setenv("ANALYTICS_QUOTA_STORE", url)
    assert 2 == main(["quota", "--plan", "premium"])
    told = capsys.readouterr().err
    assert reason in told
    assert "a-password" not in told
    assert [] == list(tmp_path.iterdir())


def test_a_plan_without_a_daily_limit_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    for name, value in (
        ("TRTC_SDK_APP_ID", "1400000000"),
        ("TENCENTCLOUD_SECRET_ID", "id"),
        ("TENCENTCLOUD_SECRET_KEY", "key"),
        ("TENCENTCLOUD_REGION", "ap-singapore"),
    ):
        monkeypatch.setenv(name, value)
    assert 0 == main(["quota", "--plan", "basic"])
    assert ["tencent", "DescribeRoomInfo", "-", "no limit", "-"] == line_of(
        capsys.readouterr().out, "DescribeRoomInfo"
    )[:5]


def test_no_credentials_and_an_unknown_plan_are_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["quota", "--plan", "golden"])
    for name in KEYS:
        monkeypatch.delenv(name)
    assert 2 == main(["quota"])
    told = capsys.readouterr().err
    assert "no credentials" in told
    assert "--simulate" not in told, "it takes no such option"


@pytest.mark.parametrize(("secret", "status"), [(None, 0), ("wrong", 3)])
def test_check_sends_one_request_and_says_whether_it_was_answered(
    secret: str | None,
    status: int,
    simulated_world: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with running_in_thread(SimulatedAgora(simulated_world, plan="enterprise")) as server:  # type: ignore[arg-type]
        for name, value in (*server.credentials.items(), ("plan", "enterprise"), ("base_url", server.base_url)):
            monkeypatch.setenv(f"AGORA_{name.upper()}", str(value))
        if secret is not None:
            monkeypatch.setenv("AGORA_CUSTOMER_SECRET", secret)
        assert status == main(["quota", "--check"])
        assert 1 == len(server.arrivals)
    shown = capsys.readouterr()
    assert ("agora: credentials, plan and address are good (requests sent: 1)" in shown.out) is (status == 0)
    assert "wrong" not in shown.err
