"""Every option exists, says what it takes, and wrong usage ends with status 2 and a reason."""

from __future__ import annotations

import pytest

from agora_tencent_analytics import AgoraProvider, Last, TencentProvider, TimeRange, __version__
from agora_tencent_analytics.agora import variables as agora
from agora_tencent_analytics.agora.plans import GENERATIONS
from agora_tencent_analytics.cli import main
from agora_tencent_analytics.cli.arguments import parse
from agora_tencent_analytics.scan import FreezeFrom

SCAN = (
    "--vendor --last --start --end --channel --call --user --depth --plan --out --report --version --verbose "
    "--simulate --calls --seed --ledger --since-last-run --look-back --budget --on-quota --frozen-from --impolite --api"
)
SIMULATE = "--vendor --port --host --plan --seed --calls --count --impolite --api"


@pytest.mark.parametrize(("command", "options"), [("scan", SCAN), ("simulate", SIMULATE)])
def test_help_names_every_option(command: str, options: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert 0 == left.value.code
    told = capsys.readouterr().out
    assert [] == [option for option in options.split() if option not in told]


def test_help_names_the_variables_that_must_be_set(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out.split()
    for provider in (AgoraProvider, TencentProvider):
        needed = [variable.name for variable in provider.environment.values() if variable.required]
        assert needed == [name for name in needed if name in {word.rstrip(";.") for word in told}]


@pytest.mark.parametrize("words", [["--version"], ["scan", "--version"]])
def test_version(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert 0 == left.value.code
    assert __version__ in capsys.readouterr().out


def test_defaults() -> None:
    options = parse(["scan", "--simulate"])
    expected: dict[str, object] = {
        "vendor": None,
        "depth": None,
        "plan": [],
        "calls": 20,
        "seed": 0,
        "impolite": 0.0,
        "verbose": False,
    }
    assert expected == {name: getattr(options, name) for name in expected}
    served = parse(["simulate", "--vendor", "agora", "--port", "0"])
    told = {"host": "127.0.0.1", "plan": None, "seed": 0, "calls": 20, "count": "fixed", "latency": 0.0}
    assert told == {name: getattr(served, name) for name in told}


@pytest.mark.parametrize(("words", "share"), [([], 0.0), (["--impolite"], 0.2), (["--impolite", "0.75"], 0.75)])
@pytest.mark.parametrize(
    "command", [["scan", "--simulate"], ["forecast", "--simulate"], ["simulate", "--vendor", "agora", "--port", "0"]]
)
def test_a_simulated_world_is_as_impolite_as_asked_for(command: list[str], words: list[str], share: float) -> None:
    assert share == parse([*command, *words]).impolite


def test_every_generation_of_agoras_api_can_be_named() -> None:
    assert list(GENERATIONS) == list(agora.GENERATIONS)
    for command in ("scan --last 6h", "forecast --last 6h", "quota", "simulate --vendor agora --port 0"):
        assert [None, *GENERATIONS] == [
            parse([*command.split(), *words]).api for words in ([], *(["--api", name] for name in GENERATIONS))
        ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--last", "6h"], Last(hours=6)),
        (["--last", "90s"], Last(seconds=90)),
        (["--last", "1.5h"], Last(minutes=90)),
        (["--last", "30m"], Last(minutes=30)),
        (["--last", "2d"], Last(days=2)),
        (["--start", "1690000000", "--end", "1690003600"], TimeRange(1_690_000_000, 1_690_003_600)),
        (
            ["--start", "2023-07-22T04:26:40Z", "--end", "2023-07-22T07:26:40+02:00"],
            TimeRange(1_690_000_000, 1_690_003_600),
        ),
        (["--start", "1690000000", "--end", "99999999999"], TimeRange(1_690_000_000, 99_999_999_999)),
    ],
    ids=str,
)
def test_ranges(words: list[str], expected: object) -> None:
    assert expected == parse(["scan", *words]).over


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "COMMAND"),
        ("fetch", "there is no command fetch; there are scan, forecast, quota, simulate"),
        ("scan", "--last 6h"),
        ("scan --last 6", "not a length of time"),
        ("scan --last 0h", "not a length of time"),
        ("scan --last -6h", "expected one argument"),
        (f"scan --last {'9' * 400}h", "longer than any vendor's history"),
        (f"scan --last 6h --budget {'9' * 5000}", "whole number from 1"),
        (f"simulate --vendor agora --port {'9' * 5000}", "is not a port"),
        ("scan --last 6h --call \udcff", "is not UTF-8"),
        ("scan --last 6h --channel \udcff\udcfe", "is not UTF-8"),
        ("scan --last 6h --user \udcff", "is not UTF-8"),
        ("scan --last 6h --frozen-from 8.71", "write 8.71%"),
        ("scan --last 6h --frozen-from 0%", "more than 0%"),
        ("scan --last 6h --frozen-from 100.1%", "at most 100%"),
        ("scan --last 6h --start 1790000000", "not both"),
        ("scan --start 1790000000", "go together"),
        ("scan --end 1790000000", "go together"),
        ("scan --start yesterday --end today", "is not a moment"),
        ("scan --start 2026-09-21T14:13:20 --end 1790003600", "no time zone"),
        ("scan --start 1790000000000 --end 1790003600000", "milliseconds"),
        ("scan --start 1790003600 --end 1790000000", "range is empty"),
        ("scan --last 0001-01-01", "no vendor was ever asked about 0001-01-01"),
        ("scan --last 9999-12-31 --tz UTC", "no vendor was ever asked about 9999-12-31"),
        ("scan --start 0001-01-01 --end 1790000000 --tz +14:00", "no vendor was ever asked about 0001-01-01"),
        ("scan --start nan --end 1790000000", "not a moment"),
        ("scan --start 99999999000 --end 99999999999", "lies in the future: nothing to read"),
        ("forecast --start 99999999000 --end 99999999999", "lies in the future: nothing to read"),
        ("scan --last 6h --depth points", "invalid choice"),
        ("scan --last 6h --vendor Zoom", "not a vendor's name"),
        ("scan --simulate --calls 0", "whole number from 1"),
        ("scan --last 6h --budget 0", "whole number from 1"),
        ("scan --last 6h --on-quota sleep", "invalid choice"),
        ("scan --last 6h --since-last-run", "needs --ledger and --last"),
        ("scan --start 1 --end 2 --ledger f --since-last-run", "needs --ledger and --last"),
        ("scan --last 6h --ledger f --since-last-run --call c", "takes no --call"),
        ("scan --last 6h --ledger f --look-back 1h", "goes with --since-last-run"),
        ("scan --simulate --calls ²", "whole number from 1"),
        ("scan --simulate --seed x", "invalid int"),
        ("scan --simulate --impolite 1.2", "is not a share"),
        ("scan --simulate --impolite 20%", "is not a share"),
        ("scan --last 1h --impolite", "--impolite needs --simulate"),
        ("forecast --last 1h --impolite 0.5", "--impolite needs --simulate"),
        ("scan --last 6h --api 2020", "invalid choice"),
        ("scan --last 6h --vendor tencent --api 2022", "a generation of Agora's API"),
        ("simulate --vendor tencent --port 0 --api 2022", "a generation of Agora's API"),
        ("simulate --vendor agora", "--port"),
        ("simulate --port 0", "--vendor"),
        ("simulate --vendor both --port 0", "invalid choice"),
        ("simulate --vendor agora --port 70000", "is not a port"),
        ("simulate --vendor agora --port -1", "--port"),
        ("simulate --vendor agora --port 0 --count leaky", "invalid choice"),
        *[
            (f"simulate --vendor agora --port 0 --host {host}", "not the name or address of a host")
            for host in ("\udcff", "\x1b[31m", "a" * 64)
        ],
        ("simulate --vendor agora --port 0 --latency -1", "milliseconds"),
        ("simulate --vendor agora --port 0 --latency nan", "milliseconds"),
        ("simulate --vendor agora --port 0 --latency soon", "milliseconds"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_a_reason(
    line: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(line.split())
    assert 2 == left.value.code
    told = capsys.readouterr().err
    assert reason in told
    assert "Traceback" not in told


@pytest.mark.parametrize("command", ["scan", "forecast"])
@pytest.mark.parametrize(("text", "ratio"), [("8.71%", 0.0871), ("0.0001%", 1e-6), ("100%", 1.0)])
def test_a_share_is_the_number_that_is_written(command: str, text: str, ratio: float) -> None:
    """0.0871 is not 8.71 / 100, and a call that froze for exactly that share is wanted."""
    assert FreezeFrom(ratio) == parse([command, "--last", "6h", "--frozen-from", text]).frozen_from
