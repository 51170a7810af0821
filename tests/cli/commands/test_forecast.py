"""`forecast` in this process: its table, its report, its exit status, and what it sends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.cli import main
from agora_tencent_analytics.scan import FreezeFrom


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AGORA_APP_ID", "TRTC_SDK_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


UNLIMITED = ["--plan", "agora=unlimited", "--plan", "tencent=unlimited"]


def reported(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_scan_that_fits_is_priced_by_a_probe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, scanned = tmp_path / "forecast.json", tmp_path / "scan.json"
    options = ["--simulate", "--calls", "6", "--seed", "3", *UNLIMITED]
    assert 0 == main(["forecast", *options, "--report", str(report)])
    shown = capsys.readouterr().out
    assert 0 == main(["scan", *options, "--report", str(scanned)])
    said, actual = reported(report), reported(scanned)
    assert said["fits"] is True
    assert ["agora", "tencent"] == sorted(said["vendors"])
    for name, vendor in said["vendors"].items():
        assert actual["vendors"][name]["requests"] == vendor["requests"]["likely"], "6 calls: all of them were read"
        assert 0 < vendor["probed"] < 50
        for row in vendor["rows"]:
            assert row["counter"] in shown
    assert shown.rstrip().endswith("fits")
    assert "DOES NOT FIT" not in shown


def test_a_scan_that_does_not_fit_is_told_with_what_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "forecast.json"
    stated = ["--calls-expected", "10000", "--sessions-per-call", "4", "--minutes-per-call", "20"]
    options = ["--simulate", "--last", "1d", "--vendor", "agora", "--plan", "premium"]
    assert 1 == main(["forecast", *options, *stated, "--report", str(report)])
    said, shown = reported(report), capsys.readouterr().out
    (vendor,) = said["vendors"].values()
    assert 0 == vendor["probed"]
    assert {"least": 10_000, "likely": 10_000, "most": 10_000} == vendor["rows"][1]["requests"]
    assert "quota" == vendor["lost"][-1]["reason"]
    assert vendor["proposals"]
    assert "would fit: " in shown
    assert shown.rstrip().endswith("DOES NOT FIT")


def test_who_waits_for_midnight_is_told_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    stated = ["--calls-expected", "3000", "--sessions-per-call", "4", "--on-quota", "wait"]
    assert 0 == main(["forecast", "--simulate", "--last", "1d", "--vendor", "agora", "--plan", "premium", *stated])
    assert "day" in capsys.readouterr().out


def test_depth_channel_and_user_are_those_of_scan(tmp_path: Path) -> None:
    report = tmp_path / "forecast.json"
    options = ["--simulate", "--vendor", "agora", "--plan", "unlimited", "--channel", "class-1"]
    assert 0 == main(["forecast", *options, "--depth", "sessions", "--user", "nobody", "--report", str(report)])
    (vendor,) = reported(report)["vendors"].values()
    assert "sessions" == vendor["depth"]
    assert ["call/lists", "call/sessions"] == [row["counter"] for row in vendor["rows"]]


def test_a_share_of_the_time_is_asked_for_in_the_words_that_propose_it(tmp_path: Path) -> None:
    report = tmp_path / "forecast.json"
    options = ["--simulate", "--vendor", "agora", "--plan", "unlimited", "--report", str(report)]
    proposed = re.search(r"\S+%", str(FreezeFrom(0.0871)))
    assert proposed is not None
    calls = []
    for more in ([], ["--frozen-from", proposed[0]]):
        assert 0 == main(["forecast", *options, *more])
        calls.append(reported(report)["vendors"]["agora"]["calls"]["likely"])
    assert 20 == calls[0] > calls[1] > 0


def test_a_budget_is_one_of_the_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--simulate", "--vendor", "agora", "--plan", "unlimited", "--calls", "40"]
    assert 1 == main(["forecast", *options, "--budget", "60"])
    assert "the budget is spent before" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        ["--simulate", "--calls-expected", "10"],
        ["--simulate", "--sessions-per-call", "3"],
        ["--simulate", "--depth", "calls", "--user", "u"],
        ["--simulate", "--calls-expected", "10", "--sessions-per-call", "3", "--frozen-from", "5%"],
        ["--simulate", "--report", "/nowhere/at/all.json"],
        ["--last", "1h"],
        [],
    ],
)
def test_wrong_usage_is_status_two(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: Any = main(["forecast", *options])
    except SystemExit as ended:
        status = ended.code
    assert 2 == status
    assert "agora-tencent-analytics" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--calls-expected", "10"], ["--sessions-per-call", "3"]])
def test_stated_numbers_that_lack_one_another_are_told_in_words_of_the_command_line(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["forecast", "--simulate", *options])
    told = capsys.readouterr().err
    assert "--calls-expected" in told
    assert "--sessions-per-call" in told
