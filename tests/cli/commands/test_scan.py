"""`scan` in this process: what it writes, what it says, and its exit status."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import attrs
import pytest

from agora_tencent_analytics import Provider, TimeRange
from agora_tencent_analytics.agora.variables import GENERATIONS
from agora_tencent_analytics.cli import main
from agora_tencent_analytics.cli import simulated_world as embedded
from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.simulator import Refuse, SimulatedAgora, SimulatedTencent, When, World, running_in_thread
from agora_tencent_analytics.simulator.fixtures import simulated_world

__all__ = ["simulated_world"]

CALL = [
    "vendor",
    "call_id",
    "channel",
    "created_ts",
    "destroyed_ts",
    "finished",
    "part",
    "last",
    "sessions",
    "failures",
]
CALL_FACTS = ["accumulated_users", "audio_freeze_ratio", "creator_id", "extra", "peak_users", "video_freeze_ratio"]
SESSION = ["session_id", "user_id", "join_ts", "leave_ts", "finished", "series"]
SESSION_FACTS = [
    *("channel", "account", "platform", "device_type", "network", "sdk_version", "client_ip", "speaker", "roles"),
    *("audio_freeze_ratio", "video_freeze_ratio", "extra"),
]
SERIES = ["metric", "vendor_metric", "unit", "peer_id", "times", "values"]
FIGURES = [
    "calls",
    "sessions",
    "series",
    "points",
    "requests",
    "limit_errors",
    "retries",
    "duplicates_dropped",
    "strange_dropped",
    "failures",
    "clipped",
    "elapsed_s",
]
VARIABLES = [
    "AGORA_APP_ID",
    "AGORA_CUSTOMER_ID",
    "AGORA_CUSTOMER_SECRET",
    "AGORA_PLAN",
    "AGORA_BASE_URL",
    "TRTC_SDK_APP_ID",
    "TENCENTCLOUD_SECRET_ID",
    "TENCENTCLOUD_SECRET_KEY",
    "TENCENTCLOUD_TOKEN",
    "TENCENTCLOUD_REGION",
    "TRTC_PLAN",
    "TRTC_BASE_URL",
]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded simulator on a plan without rates: nothing to wait for."""
    monkeypatch.setattr(embedded, "HIGHEST", dict.fromkeys(embedded.HIGHEST, "unlimited"))


@pytest.fixture
def few_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded world with fewer series of each session, and all else as it is."""

    def world(over: TimeRange, *, seed: int, calls: int, impolite: float) -> World:
        facts: dict[str, Any] = {"seed": seed, "calls": calls, "impolite": impolite, "metrics_per_session": 6}
        return World(start=over.start, end=over.end, **facts)

    monkeypatch.setattr(embedded, "world", world)


@pytest.fixture
def agora(simulated_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedAgora]:
    with running_in_thread(SimulatedAgora(simulated_world, plan="unlimited")) as server:
        for name, value in (*server.credentials.items(), ("plan", "unlimited"), ("base_url", server.base_url)):
            monkeypatch.setenv(f"AGORA_{name.upper()}", value)
        yield server


@pytest.fixture
def tencent(simulated_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedTencent]:
    with running_in_thread(SimulatedTencent(simulated_world, plan="unlimited")) as server:
        keys = server.credentials
        for name, value in (
            ("TRTC_SDK_APP_ID", keys["sdk_app_id"]),
            ("TENCENTCLOUD_SECRET_ID", keys["secret_id"]),
            ("TENCENTCLOUD_SECRET_KEY", keys["secret_key"]),
            ("TENCENTCLOUD_REGION", "ap-singapore"),
            ("TRTC_PLAN", "unlimited"),
            ("TRTC_BASE_URL", server.base_url),
        ):
            monkeypatch.setenv(name, str(value))
        yield server


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


@pytest.mark.usefixtures("few_series")
def test_the_main_job_writes_every_call_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    unlimited = ["--plan", "agora=unlimited", "--plan", "tencent=unlimited"]
    status = main(["scan", "--simulate", "--calls", "12", *unlimited, "--out", str(out), "--report", str(report)])
    assert 0 == status
    told = json.loads(report.read_text())
    assert told["complete"] is True
    assert ["agora", "tencent"] == sorted(told["vendors"])
    for figures in (told["total"], *told["vendors"].values()):
        assert [] == [name for name in FIGURES if name not in figures]
    truth = {name: told["total"][name] for name in ("calls", "sessions", "series", "points")}
    assert told["truth"] == truth
    assert all(truth.values())
    for name, vendor in told["vendors"].items():
        assert vendor["truth"] == {key: vendor[key] for key in truth}, name
    records = lines_of(out)
    assert truth["calls"] == len({(record["vendor"], record["call_id"]) for record in records})
    sessions = [session for record in records for session in record["sessions"]]
    series = [one for session in sessions for one in session["series"]]
    assert truth["sessions"] == len(sessions)
    assert truth["series"] == len(series)
    assert truth["points"] == sum(len(one["times"]) for one in series)
    for record in records:
        assert {*CALL, *CALL_FACTS} == {*record} - {"series_order"}
        for session in record["sessions"]:
            assert {*SESSION, *SESSION_FACTS} == {*session}
            assert isinstance(session["user_id"], str)
    for one in series:
        assert {*SERIES} == {*one} - {"spare"}
        assert isinstance(one["vendor_metric"], str)
        assert isinstance(one["peer_id"], str)
        assert len(one["times"]) == len(one["values"])
        assert one["times"] == sorted(set(one["times"]))
    values = [value for one in series for value in one["values"]]
    assert any(value is None for value in values), "what is missing is null"
    assert all(value is None or math.isfinite(value) for value in values)
    parts: dict[str, list[tuple[int, bool]]] = {}
    for record in records:
        parts.setdefault(record["call_id"], []).append((record["part"], record["last"]))
    assert any(len(found) > 1 for found in parts.values()), "the world has a call of more than 100 sessions"
    for found in parts.values():
        assert [(number, number == len(found) - 1) for number in range(len(found))] == found
    captured = capsys.readouterr()
    assert "" == captured.err
    assert captured.out.endswith("\ncomplete\n")
    assert "\x1b" not in captured.out, "no colours where nobody sees them"
    assert "worst calls" in captured.out
    assert "requests left today" in captured.out


@pytest.mark.usefixtures("no_limits")
def test_the_truth_of_an_impolite_world_counts_rows_that_cannot_be_read(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["--vendor", "agora", "--calls", "60", "--depth", "calls", "--report", str(report)]
    main(["scan", "--simulate", "--impolite", "0.9", *words])
    truth = json.loads(report.read_text())["truth"]
    assert 0 < 60 - truth["calls"] < truth["lost"]  # rows of calls, and those of sessions
    assert truth["doubted"] > 0


@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize("api", GENERATIONS)
@pytest.mark.parametrize("simulated", [True, False])
def test_a_scan_speaks_the_generation_that_it_is_told(
    api: Any, simulated: bool, simulated_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.json"
    words = ["scan", "--vendor", "agora", "--api", api, "--depth", "sessions", "--report", str(report)]
    if simulated:
        assert 0 == main([*words, "--simulate", "--calls", "12"])
        told = json.loads(report.read_text())
        assert (12, told["truth"]["sessions"]) == (told["total"]["calls"], told["total"]["sessions"])
        return
    with running_in_thread(SimulatedAgora(simulated_world, plan="unlimited", api=api)) as server:
        for name, value in (*server.credentials.items(), ("plan", "unlimited"), ("base_url", server.base_url)):
            monkeypatch.setenv(f"AGORA_{name.upper()}", value)
        span = ["--start", str(simulated_world.start), "--end", str(simulated_world.end)]
        assert 0 == main([*words, *span])
        asked = {arrival.endpoint for arrival in server.arrivals}
    assert {"call/lists", "call/details" if api == "2021-03" else "call/sessions"} == asked


@pytest.mark.usefixtures("tencent")
@pytest.mark.parametrize("words", [["scan", "--last", "1h"], ["quota"], ["forecast", "--last", "1h"]])
def test_a_generation_of_agoras_api_goes_with_agora(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main([*words, "--api", "2022"])
    assert "agora is not asked" in capsys.readouterr().err


@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize("depth", ["calls", "sessions"])
def test_a_shallow_scan_has_the_same_lines_with_less_in_them(depth: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert 0 == main(["scan", "--simulate", "--vendor", "agora", "--depth", depth, "--out", str(out)])
    records = lines_of(out)
    assert {tuple(sorted([*CALL, *CALL_FACTS]))} == {tuple(sorted(record)) for record in records}
    assert (depth == "calls") == (not any(record["sessions"] for record in records))
    assert not any(session["series"] for record in records for session in record["sessions"])


@pytest.mark.usefixtures("no_limits")
def test_filters_and_their_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated_world: World) -> None:
    monkeypatch.setattr(embedded, "world", lambda *_, **__: simulated_world)
    monkeypatch.setattr(embedded, "demo_range", lambda: TimeRange(simulated_world.start, simulated_world.end))
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    base = ["scan", "--simulate", "--seed", "3", "--depth", "sessions", "--force", f"--out={out}", f"--report={report}"]
    assert 0 == main([*base, "--vendor", "both"])
    records = lines_of(out)

    def told(*words: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        assert 0 == main([*base, *words])
        said = json.loads(report.read_text())
        assert said["complete"] is True
        assert (said["truth"]["calls"], said["truth"]["sessions"]) == (
            said["total"]["calls"],
            said["total"]["sessions"],
        )
        return lines_of(out), said

    mine = next(record for record in records if record["vendor"] == "tencent")
    found, _ = told("--channel", mine["channel"])
    assert {mine["channel"]} == {record["channel"] for record in found}
    other = next(record for record in records if record["vendor"] == "agora" and len(record["sessions"]) > 1)
    # An id says nothing about its vendor: it is missing only if no vendor lists it.
    found, _ = told("--call", mine["call_id"], "--call", other["call_id"])
    assert {mine["call_id"], other["call_id"]} == {record["call_id"] for record in found}
    users = [other["sessions"][0]["user_id"], other["sessions"][1]["user_id"]]
    found, _ = told("--vendor", "agora", "--user", users[0], "--user", users[1])
    assert set(users) == {session["user_id"] for record in found for session in record["sessions"]}


@pytest.mark.usefixtures("no_limits")
def test_a_call_that_nobody_lists_leaves_the_scan_incomplete(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["scan", "--simulate", "--depth", "calls", "--call", "nobody's"])
    told = capsys.readouterr()
    assert "no call nobody's is listed" in told.err
    assert told.out.endswith("INCOMPLETE\n")
    assert 1 == told.err.count("nobody's")


def test_the_environment_says_whom_to_ask(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert 0 == main(["scan", "--last", "10h", "--depth", "calls", "--report", str(report)])
    told = json.loads(report.read_text())
    assert ["agora"] == list(told["vendors"])
    assert 12 == told["total"]["calls"]
    assert "truth" not in told
    assert 0 < len(agora.arrivals)
    secret = agora.credentials["customer_secret"]
    assert secret not in capsys.readouterr().err + report.read_text()


def test_both_vendors_are_asked_if_both_are_known(
    agora: SimulatedAgora, tencent: SimulatedTencent, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    words = ["scan", "--last", "10h", "--depth", "sessions", "--report", str(report)]
    assert 0 == main(words)
    assert ["agora", "tencent"] == sorted(json.loads(report.read_text())["vendors"])
    assert 0 == main([*words, "--vendor", "tencent"])
    assert ["tencent"] == list(json.loads(report.read_text())["vendors"])
    start, end = agora.world.start, agora.world.end
    fixed = ["scan", "--start", str(start), "--end", str(end), "--depth", "sessions", "--report", str(report)]
    assert 0 == main(fixed)
    truth = [agora.world.truth(vendor, start, end).sessions for vendor in ("agora", "tencent")]
    assert sum(truth) == json.loads(report.read_text())["total"]["sessions"]


def test_without_credentials_the_variables_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["scan", "--last", "6h"])
    told = capsys.readouterr().err
    assert "AGORA_CUSTOMER_SECRET" in told
    assert "TENCENTCLOUD_SECRET_KEY" in told


def test_of_credentials_that_are_not_complete_the_missing_ones_are_named(
    agora: SimulatedAgora, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AGORA_CUSTOMER_SECRET")
    assert 2 == main(["scan", "--last", "6h"])
    assert "AGORA_CUSTOMER_SECRET is not set (the other two are), or use --simulate" in capsys.readouterr().err
    assert 2 == main(["scan", "--last", "6h", "--vendor", "agora", "--plan", "premium"])
    assert "AGORA_CUSTOMER_SECRET is not set (the other two are)\n" in capsys.readouterr().err


def test_a_missing_plan_is_named(
    agora: SimulatedAgora, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AGORA_PLAN")
    assert 2 == main(["scan", "--last", "6h", "--depth", "calls"])
    assert "AGORA_PLAN" in capsys.readouterr().err
    assert 0 == main(["scan", "--last", "6h", "--depth", "calls", "--plan", "unlimited"])
    assert 0 == main(["scan", "--last", "6h", "--depth", "calls", "--plan", "agora=unlimited"])


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--plan", "premium"], 2, "does not say whose"),
        (["--plan", "agora=gold"], 2, "no plan 'gold'"),
        (["--plan", "zoom=premium"], 2, "one plan for each"),
        (["--plan", "agora="], 2, "one plan for each"),
        (["--plan", "agora=premium", "--plan", "agora=standard"], 2, "one plan for each"),
        (["--vendor", "agora", "--plan", "tencent=basic"], 2, "one plan for each"),
        (["--vendor", "agora", "--plan", "starter"], 3, "not offered"),
        (["--vendor", "tencent", "--plan", "free"], 3, "not offered"),
        (["--vendor", "agora", "--plan", "enterprise", "--depth", "calls"], 0, "complete"),
        (["--plan", "agora=premium", "--plan", "tencent=basic", "--depth", "calls"], 0, "complete"),
        (["--vendor", "tencent", "--plan", "intl-premium", "--depth", "calls"], 0, "complete"),
        # Plans that offer calls, and not all the figures that other plans have.
        (["--vendor", "tencent", "--plan", "premium", "--depth", "calls"], 0, "complete"),
        (["--vendor", "agora", "--plan", "standard", "--depth", "calls"], 0, "requests left today"),
    ],
    ids=str,
)
def test_plans(words: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status == main(["scan", "--simulate", *words])
    shown = capsys.readouterr()
    assert told in (shown.out if status < 2 else shown.err)


def test_refused_credentials_end_with_status_3(
    agora: SimulatedAgora, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AGORA_CUSTOMER_SECRET", "wrong-secret-of-mine")
    report = tmp_path / "report.json"
    assert 3 == main(["scan", "--last", "6h", "--report", str(report)])
    told = capsys.readouterr().err
    assert "stopped" in told
    assert "wrong-secret-of-mine" not in told + report.read_text()
    assert json.loads(report.read_text())["complete"] is False


def test_a_failure_ends_with_status_1_and_is_in_both_files(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = agora.world.call_at("agora", 1)
    about = When(endpoint="call/sessions", predicate=lambda arrival: arrival.facts["call_id"] == call.call_id)
    agora.inject(Refuse(code=400, message="\x1b[2Jgone\r\n\x07", when=about))
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    assert 1 == main(["scan", "--last", "10h", "--depth", "sessions", "--out", str(out), "--report", str(report)])
    (record,) = [record for record in lines_of(out) if record["failures"]]
    assert call.call_id == record["call_id"]
    (failure,) = json.loads(report.read_text())["total"]["failures"]
    assert (call.call_id, "sessions", "InvalidRequest") == (failure["call_id"], failure["step"], failure["kind"])
    told = capsys.readouterr()
    assert "failed: agora: sessions of call" in told.err
    assert "INCOMPLETE" in told.out
    assert "\x1b" not in told.err + told.out
    assert "\x07" not in told.err + told.out


@pytest.mark.usefixtures("no_limits")
def test_hostile_names_cannot_steer_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b]0;owned\x07[bold red]\u202egnp.exe\r\n"
    original = World.call_at

    def renamed(self: World, vendor: Any, index: int) -> Any:
        return attrs.evolve(original(self, vendor, index), channel=hostile)

    monkeypatch.setattr(World, "call_at", renamed)
    out = tmp_path / "out.jsonl"
    assert 0 == main(["scan", "--simulate", "--vendor", "agora", "--calls", "2", "--out", str(out)])
    told = "".join(capsys.readouterr())
    assert "[bold red]" in told, "the name is shown"
    for steering in ("\x1b", "\x07", "\u202e", "\r"):
        assert steering not in told
    assert {hostile} == {record["channel"] for record in lines_of(out)}, "files keep it as it is"


@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize(("vendors", "status"), [([], 0), (["--call", "nobody's"], 1)])
def test_a_quota_that_cannot_be_told_does_not_hide_the_outcome(
    vendors: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def gone(provider: Provider) -> NoReturn:
        raise QuotaUnavailable("the store is \x1bgone")

    monkeypatch.setattr(Provider, "quota", gone)
    assert status == main(["scan", "--simulate", "--calls", "3", "--vendor", "agora", "--depth", "calls", *vendors])
    told = capsys.readouterr().out
    assert "agora: requests left today: quota unknown: the store is \N{REPLACEMENT CHARACTER}gone\n" in told
    assert told.endswith("INCOMPLETE\n" if status else "\ncomplete\n")


@pytest.mark.usefixtures("no_limits")
def test_only_the_calls_that_froze(tmp_path: Path) -> None:
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    words = ["scan", "--simulate", "--vendor", "agora", "--depth", "sessions", f"--out={out}", f"--report={report}"]
    assert 0 == main(words)
    whole = lines_of(out)
    ledger = ["--ledger", str(tmp_path / "ledger"), "--frozen-from", "10%"]
    out.unlink()
    assert 0 == main([*words, *ledger])
    frozen = lines_of(out)
    assert 0 < len(frozen) < len(whole)
    assert {call["call_id"] for call in frozen} < {call["call_id"] for call in whole}
    assert "truth" not in json.loads(report.read_text()), "the world does not tell who froze"


def test_one_file_cannot_hold_records_and_report(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    assert 2 == main(["scan", "--last", "6h", "--out", str(path), "--report", str(tmp_path / "." / "file")])
    assert "a file each" in capsys.readouterr().err
    assert not path.exists()
    assert not agora.arrivals


def test_users_are_not_told_by_a_listing_of_calls(agora: SimulatedAgora, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["scan", "--last", "6h", "--user", "12", "--depth", "calls"])
    assert "depth='sessions'" in capsys.readouterr().err
    assert not agora.arrivals


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_path_that_cannot_be_written_is_told_before_anything_is_asked(
    option: str, agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "no such folder" / "file"
    assert 2 == main(["scan", "--last", "6h", option, str(path)])
    assert str(path) in capsys.readouterr().err
    assert not agora.arrivals


def test_a_report_of_an_earlier_scan_does_not_outlive_a_refusal(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"complete": true}')
    assert 3 == main(["scan", "--simulate", "--vendor", "agora", "--plan", "starter", "--report", str(report)])
    assert json.loads(report.read_text())["complete"] is False


def test_verbose_says_when_something_is_asked_again(agora: SimulatedAgora, capsys: pytest.CaptureFixture[str]) -> None:
    agora.inject(Refuse(code=500, message="busy", when=When(endpoint="call/lists", nth=(1,))))
    assert 0 == main(["scan", "--last", "10h", "--depth", "calls", "--verbose"])
    assert "asking again" in capsys.readouterr().err
    assert 0 == main(["scan", "--last", "10h", "--depth", "calls"])
    assert "asking again" not in capsys.readouterr().err


@pytest.mark.usefixtures("no_limits")
def test_it_works_without_rich(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    for name in [name for name in sys.modules if name.startswith("rich.")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "agora_tencent_analytics.cli.rich_console", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert 0 == main(["scan", "--simulate", "--vendor", "agora", "--calls", "2"])
    told = capsys.readouterr().out
    assert told.endswith("complete\n")
    table = told.partition("by vendor")[0].splitlines()
    assert [] == [line for line in table if len(line) > 80], "stacked, as with rich"
