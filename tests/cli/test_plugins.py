"""Vendors that other distributions bring: found by name, loaded when named, and told apart from those built in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.cli import main
from agora_tencent_analytics.cli.plugins import plugin
from agora_tencent_analytics.errors import BadInput

MODULE = """
from agora_tencent_analytics.vendor import *

ROOMS = Endpoint(
    name="rooms", vendor=NAME, model=Call, path="/rooms", payload="rooms", key=("call_id",),
    bounds=Bounds(start="since", end="until"), paging=Unpaged(), source="https://acme.test", read_on="2026-11-01",
)
PLAN = Plan(
    vendor=NAME, name="pro", source="https://acme.test", read_on="2026-11-01",
    rows={"rooms": Limits(rates=(Rate(10, 1), Rate(1000, DAY)), history_s=30 * DAY, span_s=DAY)},
)

class AcmeVendor(Vendor):
    name = NAME
    structure = Structure()
    authentication = "bearer"

class AcmeProvider(Provider):
    environment = {"token": EnvironmentVariable("ACME_TOKEN", kind="secret")}
    endpoints = (ROOMS,)

    def __init__(self, *, token, **options):
        super().__init__(vendor=AcmeVendor(), plan=PLAN, base_url="https://acme.test", keys=token, **options)

    @classmethod
    def from_env(cls, environ=None, **options):
        print("given", *sorted(environ))
        return super().from_env(environ, **options)

    def calls(self, over, *, channel=None, page_size=None, cursor=None):
        return self.ask(ROOMS, over, cursor=cursor)
"""


def install(root: Path, name: str, *, points: str = "acme = acme_analytics:AcmeProvider", source: str = "") -> None:
    """A distribution as an installer leaves it."""
    (root / "acme_analytics.py").write_text(source or f'NAME = "acme"\n{MODULE}', encoding="utf-8")
    info = root / f"{name.replace('-', '_')}-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[agora_tencent_analytics.providers]\n{points}\n", encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, and an environment with a token and something else."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("ACME_TOKEN", "t-1-secret")
    monkeypatch.setenv("AGORA_CUSTOMER_SECRET", "not for acme")
    monkeypatch.setenv("ANALYTICS_QUOTA_STORE", str(tmp_path / "quota.db"))
    monkeypatch.delitem(sys.modules, "acme_analytics", raising=False)
    return tmp_path


def test_a_plug_in_is_asked_by_its_name_and_says_where_it_is_from(site: Path, capsys: Any) -> None:
    install(site, "acme-analytics")
    assert 0 == main(["quota", "--vendor", "acme"])
    said = capsys.readouterr()
    assert "acme: acme-analytics 2.1\n" == said.err
    assert "given ACME_TOKEN" == said.out.splitlines()[0]
    assert "1,000" in said.out or "999" in said.out


def test_a_day_that_rolls_is_not_called_unlimited(site: Path, capsys: Any) -> None:
    install(site, "acme-analytics", source=f'NAME = "acme"\n{MODULE}'.replace("1000, DAY", "1000, DAY, rolling=True"))
    scan = "scan --start 1690000000 --end 1690003600"
    for words in ("quota", "forecast --last 1h --calls-expected 5 --depth calls", scan):
        main([*words.split(), "--vendor", "acme"])
        said = capsys.readouterr().out
        assert "up to 1,000 in any 24 h" in said, words
        assert "no limit" not in said
        assert "no daily limit" not in said


def test_a_plug_in_that_lacks_its_variables_is_told_which(site: Path, capsys: Any, monkeypatch: Any) -> None:
    install(site, "acme-analytics")
    monkeypatch.delenv("ACME_TOKEN")
    assert 2 == main(["quota", "--vendor", "acme"])
    assert "ACME_TOKEN is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("quota --vendor zoom", "no vendor is called 'zoom' here; there are acme, agora, tencent"),
        ("quota --vendor acme --plan pro", "acme has one plan only"),
        ("scan --simulate --vendor acme", "--simulate has agora and tencent, and no acme"),
        ("forecast --last 6h --vendor acme --depth sessions", "does not answer 'sessions'"),
    ],
)
def test_what_a_plug_in_cannot_do_costs_a_sentence(site: Path, capsys: Any, words: str, said: str) -> None:
    install(site, "acme-analytics")
    assert main(words.split()) in (2, 3)
    assert said in capsys.readouterr().err


def test_two_plug_ins_of_one_name_are_refused_and_both_are_named(site: Path, capsys: Any) -> None:
    install(site, "acme-analytics")
    install(site, "other-acme")
    assert 2 == main(["quota", "--vendor", "acme"])
    error = capsys.readouterr().err
    assert "acme-analytics 2.1" in error
    assert "other-acme 2.1" in error


@pytest.mark.parametrize(
    ("points", "source", "said"),
    [
        ("acme = acme_analytics:AcmeProvider", "raise SystemExit(0)", "cannot be loaded: SystemExit: 0"),
        ("acme = acme_analytics:AcmeProvider", "raise RuntimeError('broken\x1b[2J')", "RuntimeError: broken\ufffd[2J"),
        ("acme = acme_analytics:Missing", "", "AttributeError"),
        ("acme = acme_analytics:AcmeVendor", "", "is not a Provider"),
        ("acme = acme_analytics:AcmeProvider", f'NAME = "agora"\n{MODULE}', "the name of a vendor that is built in"),
        ("acme = acme_analytics:AcmeProvider", f'NAME = "Acme"\n{MODULE}', "lower-case letters, digits and hyphens"),
    ],
)
def test_a_plug_in_that_is_broken_costs_a_sentence_only_when_it_is_named(
    site: Path, capsys: Any, points: str, source: str, said: str
) -> None:
    install(site, "acme-analytics", points=points, source=source)
    assert 2 == main(["quota", "--vendor", "acme"])
    error = capsys.readouterr().err
    assert said in error
    assert "t-1-secret" not in error
    assert 0 == main(
        ["scan", "--simulate", "--vendor", "agora", "--plan", "unlimited", "--calls", "1", "--depth", "calls"]
    )


def test_a_name_that_is_built_in_wins(site: Path) -> None:
    install(site, "acme-analytics", points="agora = acme_analytics:AcmeProvider", source="raise RuntimeError")
    assert 0 == main(["scan", "--simulate", "--vendor", "agora", "--calls", "1", "--depth", "calls"])


def test_help_loads_no_plug_in(site: Path) -> None:
    install(site, "acme-analytics", source="raise RuntimeError")
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from agora_tencent_analytics.cli import main\n"
    code += "try:\n    main(['scan', '--help'])\nfinally:\n    assert 'acme_analytics' not in sys.modules"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (ran.returncode, ran.stderr)
    assert "another package" in " ".join(ran.stdout.split())


def test_a_plug_in_is_loaded_as_what_it_is(site: Path) -> None:
    install(site, "acme-analytics")
    kind, whence = plugin("acme", ("agora",))
    assert ("AcmeProvider", "acme-analytics 2.1") == (kind.__name__, whence)
    with pytest.raises(BadInput, match="no vendor is called 'other'"):
        plugin("other", ("agora",))
