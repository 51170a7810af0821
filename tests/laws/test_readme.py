"""The documents hold what they show: Python runs, commands name what exists, data parses.

Every fenced block of README.md, CONTRIBUTING.md and docs/ is of a kind known here; an unknown kind fails.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import attrs
import pytest

from agora_tencent_analytics.simulator import (
    SimulatedAgora,
    SimulatedTencent,
    SimulatedVendor,
    World,
    running_in_thread,
)
from tests.support.in_turn import in_turn

ROOT = Path(__file__).parents[2]
PACKAGE = "agora_tencent_analytics"
HOUR = 3600
LAG_S = 300

# Shown as it is: output, pictures made of letters.
PROSE = {"text"}
# Shell words that are nobody's option of ours.
SHELL = {"source", "cat", "cd", "curl", "git", "head", "jq"}
VARIABLES = {
    *("AGORA_APP_ID", "AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET", "AGORA_PLAN", "AGORA_BASE_URL"),
    *("TRTC_SDK_APP_ID", "TRTC_PLAN", "TRTC_BASE_URL"),
    "ANALYTICS_QUOTA_STORE",
    *("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN", "TENCENTCLOUD_REGION"),
}


@attrs.frozen(kw_only=True)
class Block:
    """One fenced block."""

    document: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: str, text: str) -> Iterator[Block]:
    for found in re.finditer(r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", text, re.M | re.S):
        line = text.count("\n", 0, found.start()) + 2
        yield Block(document=document, line=line, kind=found["kind"].strip(), text=found["text"])


DOCUMENTS = ("README.md", "CONTRIBUTING.md", *(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")))
BLOCKS = [block for document in DOCUMENTS for block in blocks(document, (ROOT / document).read_text(encoding="utf-8"))]


def of_kind(*kinds: str, document: str = "") -> pytest.MarkDecorator:
    chosen = [block for block in BLOCKS if block.kind in kinds and re.match(document, block.document)]
    return pytest.mark.parametrize("block", chosen, ids=str)


def run_script(source: str, name: str, first_line: int = 1) -> None:
    """Runs it as a script of its own; `await` may stand at the top, as in `python -m asyncio`."""
    placed = "\n" * (first_line - 1) + source
    code = compile(placed, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    names = {"__name__": "__main__"}
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, names))
    else:
        exec(code, names)


@cache
def help_of(*command: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", PACKAGE, *command, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        timeout=60,
        check=False,
    )
    return ran.stdout if ran.returncode == 0 else ""


def project() -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def sessions() -> set[str]:
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("nox.session" in ast.unparse(mark) for mark in node.decorator_list)
    }


def commands(text: str) -> Iterator[list[str]]:
    """Each command of a shell block as words; comments and continuation lines are resolved."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if word in {"&&", "||", "|", ";", "&"}:
                yield words
                words = []
            else:
                words.append(word)
        if words:
            yield words


def faults(words: list[str]) -> list[str]:
    """What a command names that does not exist; empty if all is well."""
    if words[0] == "export":
        words = words[1:]
    found = []
    while words and (variable := re.match(r"(\w+)=", words[0])):
        if variable[1] not in VARIABLES:
            found.append(f"no such variable: {variable[1]}")
        words = words[1:]
    if not words or words[0] in SHELL:
        return found
    program, rest = Path(words[0]).name, words[1:]
    if re.fullmatch(r"python[\d.]*", program) and rest[:1] == ["-m"]:
        program, rest = rest[1], rest[2:]
    return found + _faults_of(program, rest, words[0])


def _faults_of(program: str, rest: list[str], typed: str) -> list[str]:
    if program in (PACKAGE, PACKAGE.replace("_", "-")):
        return _cli_faults(rest)
    if program == "nox":
        known = sessions()
        named = rest[rest.index("-s") + 1 :] if "-s" in rest else []
        named = named[: named.index("--")] if "--" in named else named
        return [f"no such nox session: {name}" for name in named if name.partition("-3")[0] not in known]
    if program == "pip":
        extras = project()["optional-dependencies"]
        assert isinstance(extras, Mapping)
        wanted = [
            name.strip() for word in rest for group in re.findall(r"\[(.*?)\]", word) for name in group.split(",")
        ]
        return [f"no such extra: {name}" for name in wanted if name not in extras]
    if program in ("pytest", "ruff", "mypy", "pyright") or program.startswith("python"):
        paths = [word for word in rest if "/" in word and not word.startswith("-")]
        return [f"no such file: {path}" for path in paths if not (ROOT / path.partition("::")[0]).exists()]
    if program == "venv" or typed == ".ci/run":
        return []
    return [f"a command of an unknown kind: {typed}"]


def _cli_faults(rest: list[str]) -> list[str]:
    command = rest[:1] if rest and not rest[0].startswith("-") else []
    told = help_of(*command)
    if not told:
        return [f"no such command: {' '.join(command)}"]
    options = {word.partition("=")[0] for word in rest if word.startswith("-")}
    return [f"no such option: {option}" for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", told)]


def serving() -> tuple[SimulatedVendor, SimulatedVendor]:
    end = int(time.time()) - LAG_S
    world = World(calls=12, start=end - 8 * HOUR, end=end)
    return SimulatedAgora(world, plan="unlimited"), SimulatedTencent(world, plan="unlimited")


@pytest.fixture
def simulated_vendors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The environment of a customer of both vendors, who are simulated; files land in a folder of the test."""
    agora, tencent = serving()
    with running_in_thread(agora), running_in_thread(tencent):
        values = {f"AGORA_{name.upper()}": value for name, value in agora.credentials.items()}
        for name, value in tencent.credentials.items():
            values[f"{'TRTC' if name == 'sdk_app_id' else 'TENCENTCLOUD'}_{name.upper()}"] = value
        values |= {"TENCENTCLOUD_REGION": "ap-guangzhou", "AGORA_PLAN": "unlimited", "TRTC_PLAN": "unlimited"}
        values |= {"AGORA_BASE_URL": agora.base_url, "TRTC_BASE_URL": tencent.base_url}
        assert set(values) <= VARIABLES
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        yield


@in_turn("block", BLOCKS)
def test_every_block_is_of_a_kind_that_is_checked(block: Block) -> None:
    assert block.kind in {"python", "sh", "json", "toml", *PROSE}


@of_kind("python", document="README|docs")
@pytest.mark.usefixtures("simulated_vendors")
def test_the_examples_run(block: Block) -> None:
    for module in re.findall(r"^(?:import|from) (numpy|pandas|polars|sqlalchemy)\b", block.text, re.MULTILINE):
        pytest.importorskip(module, reason=f"{module} comes with the extra `examples`")
    run_script(block.text, block.document, block.line)


@pytest.mark.long
def test_the_tests_that_are_shown_pass(tmp_path: Path) -> None:
    shown = [block.text for block in BLOCKS if block.kind == "python" and re.search("^def test_", block.text, re.M)]
    (tmp_path / "test_shown.py").write_text("\n".join(shown), encoding="utf-8")
    # Where the package is on the path and not installed, pytest does not find the fixtures.
    found = "agora_tencent_analytics" in {point.name for point in entry_points(group="pytest11")}
    fixtures = [] if found else ["-p", "agora_tencent_analytics.pytest_plugin"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *fixtures, "test_shown.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert 0 == ran.returncode, ran.stdout


@of_kind("python", document="CONTRIBUTING.md")
def test_the_examples_for_contributors_compile(block: Block) -> None:
    compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def test_the_data_shown_can_be_parsed() -> None:
    parse = {"json": json.loads, "toml": tomllib.loads}
    assert [] == [str(block) for block in BLOCKS if block.kind in parse and not parse[block.kind](block.text)]


@of_kind("sh")
def test_the_commands_shown_name_what_exists(block: Block) -> None:
    assert [] == [fault for command in commands(block.text) for fault in faults(command)]


def test_the_readme_shows_python_and_shell() -> None:
    assert {"python", "sh"} <= {block.kind for block in BLOCKS if block.document == "README.md"}


def test_the_readme_shows_the_two_commands_that_set_themselves_up() -> None:
    lines = [line for block in BLOCKS if block.document == "README.md" for line in block.text.splitlines()]
    set_up = [line for line in lines if line.startswith("python3.11 -m venv .venv && .venv/bin/pip install ")]
    assert [True, True] == [
        any(wanted in line for line in set_up) for wanted in (f"-m {PACKAGE} scan --simulate", "-m pytest")
    ]


# The checker itself: each law must be able to fail.


@pytest.mark.parametrize(
    "line",
    [
        *["pip install '.[nothing]'", "nox -s nothing", "nox -s lint nothing -- x", "python -m nothing", "rm -r x"],
        *["export AGORA_NOTHING=1", "python benchmarks/nothing/run.py", "pytest tests/nothing.py", "nothing.sh"],
        *[f"python -m {PACKAGE} nothing", f"python -m {PACKAGE} scan --nothing", "agora-tencent-analytics --nothing"],
        *["cd x && nox -s nothing", "AGORA_NOTHING=1 nox -s lint", "nox -s \\\n  nothing"],
    ],
)
def test_a_command_that_names_nothing_is_seen(line: str) -> None:
    assert [] != [fault for command in commands(line) for fault in faults(command)]


def test_commands_are_split_and_comments_dropped() -> None:
    assert [["a", "b c"], ["d"], ["e", "-f"]] == [*commands("a 'b c' && d # e\n\n# x\ne \\\n -f\n")]


def test_blocks_are_found_with_their_lines() -> None:
    found = [*blocks("x", "one\n```sh\nls\n```\n\n```python\na\n\nb\n```\n")]
    assert [(3, "sh", "ls\n"), (7, "python", "a\n\nb\n")] == [(block.line, block.kind, block.text) for block in found]


@pytest.mark.parametrize("source", ["1 / 0", "import asyncio\nawait asyncio.sleep(0)\n1 / 0"])
def test_a_script_that_fails_fails_here(source: str) -> None:
    with pytest.raises(ZeroDivisionError):
        run_script(source, "snippet")


@pytest.mark.usefixtures("simulated_vendors")
def test_the_simulated_vendors_answer_at_the_addresses_in_the_environment() -> None:
    run_script(
        "import os, urllib.request, urllib.error\n"
        "for name in ('AGORA_BASE_URL', 'TRTC_BASE_URL'):\n"
        "    try:\n"
        "        urllib.request.urlopen(os.environ[name]).close()\n"
        "    except urllib.error.HTTPError as refusal:\n"
        "        refusal.close()\n",
        "snippet",
    )
