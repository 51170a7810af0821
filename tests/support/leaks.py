"""A watch over the whole run: no secret that any test handed to the library comes out anywhere.

Learns every secret as it is made (credentials of either vendor, the simulators' own) with what is derived from it (the
Basic pair, the keys of the day), and looks for each in what a test logs at DEBUG, prints, warns and writes under its
`tmp_path`. What shows a signed header is a leak whoever made it. A leak fails the test that let it out.

One exception, which the README documents: the JSON line of the command `simulate` prints the credentials of the
simulator, for clients to use. That line is taken out before anything is searched, and nothing else is.
"""

from __future__ import annotations

import base64
import logging
import re
import subprocess
import warnings
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, SimulatedVendor
from agora_tencent_analytics.tencent import sign
from agora_tencent_analytics.tencent.sign import TencentCredentials

__all__ = ["Watch"]

SHORTEST = 8
"""A shorter secret cannot be told from other text; the tests of this folder's `security` use long ones."""
TOLD = "a secret came out: "
MOST_BYTES = 64 * 2**20
_BASIC = re.compile(r"Basic ([A-Za-z0-9+/]{8,}={0,2})")
_TC3 = re.compile(r"Signature=[0-9a-f]{64}")
_PRINTED_BY_SIMULATE = re.compile(
    r'^\{"base_url":"[^"]*","credentials":\{[^{}]*\},"start":\d+,"end":\d+\}$', re.MULTILINE
)
_OTHERS = ("tencentcloud_sdk",)  # the vendor's own client, asked by tests of the simulator: it logs its signed headers
_ORDINARY = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "exc_text"}
_PLAIN = frozenset({str, int, float, bool, type(None)})


class Watch(logging.Handler):
    """The plugin. `conftest.py` registers it; so do the tests that prove that it can fail."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self._known: dict[str, str] = {}  # what must not come out, and what it is
        self._late: list[str] = []
        self._heard: defaultdict[str, set[Any]] = defaultdict(set)  # what came out, by where
        self._patches = pytest.MonkeyPatch()
        self._level = logging.WARNING
        self._folder: Path | None = None

    # -- what is secret -----------------------------------------------------------------------------------

    def _learn(self, what: str, text: str | None) -> None:
        if text is not None and len(text) >= SHORTEST:
            self._known[text] = what
            self._known[_base64(text.encode())] = f"{what} in base64"

    def _learn_credentials(self, keys: Any) -> None:
        if isinstance(keys, AgoraCredentials):
            customer_secret = keys.customer_secret.reveal()
            self._learn("an Agora customer secret", customer_secret)
            self._learn("the pair of a Basic header", f"{keys.customer_id}:{customer_secret}")
        else:
            self._learn("a Tencent secret key", keys.secret_key.reveal())
            self._learn("an STS token", keys.token.reveal() if keys.token else None)

    def _learn_simulator(self, vendor: SimulatedVendor) -> None:
        for name in ("customer_secret", "secret_key", "token"):
            self._learn(f"a simulator's {name}", vendor.credentials.get(name))

    def _learn_derived(self) -> None:
        for key in [hidden.reveal() for hidden in list(sign._keys.values())]:
            for spelt in (key.hex(), repr(key)[2:-1], _base64(key)):
                self._known[spelt] = "a TC3 key of the day"

    # -- what comes out -----------------------------------------------------------------------------------

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a log record as text: message, traceback, arguments and extras."""
        if record.name.startswith(_OTHERS):
            return
        given = record.args.values() if isinstance(record.args, Mapping) else record.args or ()
        facts = [*{**record.__dict__, "args": None}.values(), *given]
        if _PLAIN.issuperset(map(type, facts)):
            # Every record of the library's own. The message is made of these alone, and most of them repeat themselves.
            self._heard["the log"].update(facts)
            return
        extras = {name: value for name, value in record.__dict__.items() if name not in _ORDINARY}
        self._hear("the log", f"{self.format(record)}\n{record.args!r}\n{extras!r}")

    def _hear(self, where: str, text: str | bytes | None) -> None:
        if text:
            self._heard[where].add(text if isinstance(text, str) else text.decode("utf-8", "replace"))

    def leaks(self, files: Sequence[Path] = ()) -> list[str]:
        """What leaked since the last call, in words that do not repeat the secret."""
        for path in files:
            self._hear(f"the file {path.name}", _read(path))
        heard, self._heard = self._heard, defaultdict(set)
        if heard:
            self._learn_derived()
        found = set()
        for where, parts in heard.items():
            text = _PRINTED_BY_SIMULATE.sub("", "\n".join(map(str, parts)))
            words = "\n".join(set(text.split()))  # thousands of secrets, and logs that repeat themselves
            found |= {
                f"{what} in {where}"
                for hidden, what in self._known.items()
                if hidden in (words if hidden.split() == [hidden] else text)
            }
            found |= {f"a signed header in {where}"} if _signed(text) else set()
        return sorted(found)

    # -- hooks --------------------------------------------------------------------------------------------

    def pytest_configure(self) -> None:
        """Begins to listen, and to learn secrets where they are made."""
        root = logging.getLogger()
        root.addHandler(self)
        self._level = root.level
        root.setLevel(logging.DEBUG)
        patch = self._patches.setattr
        for keys in (AgoraCredentials, TencentCredentials):
            patch(keys, "__init__", _then(keys.__init__, self._learn_credentials))
        for vendor in (SimulatedAgora, SimulatedTencent):
            patch(vendor, "__init__", _then(vendor.__init__, self._learn_simulator))
        patch(pytest.CaptureFixture, "readouterr", self._overheard(pytest.CaptureFixture.readouterr))
        patch(subprocess.Popen, "communicate", self._overheard(subprocess.Popen.communicate))

    def pytest_unconfigure(self) -> None:
        """Leaves everything as it was."""
        self._patches.undo()
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._level)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """Warnings are output too, known only when their test is over."""
        self._hear(f"a warning of {nodeid}", str(warning_message.message))

    def pytest_runtest_logstart(self) -> None:
        """What came out since the last test is nobody's, or a warning that names its own."""
        self._late += self.leaks()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Looks at what came out after the last test, or between two."""
        self._late += self.leaks()
        if self._late:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        told: dict[str, Any] = getattr(session.config, "workeroutput", {})  # one of several processes has one
        told["leaks"] = self._late

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Where the tests run in several processes, each learns its own secrets, and one speaks for all."""
        self._late += getattr(node, "workeroutput", {}).get("leaks", [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tells them."""
        if self._late:
            terminalreporter.line(f"{TOLD}{'; '.join(self._late)}", red=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Ends each test by looking through all that it let out; a leak is an error of the test."""
        if call.when == "call":
            self._folder = getattr(item, "funcargs", {}).get("tmp_path")
        report = yield
        if call.when == "teardown":
            self._hear("standard output", report.capstdout)
            self._hear("standard error", report.capstderr)
            folder, self._folder = self._folder, None
            found = self.leaks(_files(folder) if folder else [])
            if found:
                report.outcome = "failed"
                report.longrepr = TOLD + "; ".join(found)
        return report

    def _overheard(self, reading: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(reading)
        def read(*args: Any, **options: Any) -> Any:
            out, err = found = reading(*args, **options)
            self._hear("standard output", out)
            self._hear("standard error", err)
            return found

        return read


def _then(make: Callable[..., None], learn: Callable[[Any], None]) -> Callable[..., None]:
    @wraps(make)
    def made(self: Any, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        learn(self)

    return made


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode("utf-8", "replace")


def _signed(text: str) -> bool:
    """Whether it holds the value of an `Authorization` header, whoever made it."""
    return bool(_TC3.search(text)) or any(_is_pair(found) for found in _BASIC.findall(text))


def _is_pair(encoded: str) -> bool:
    try:
        return b":" in base64.b64decode(encoded, validate=True)
    except ValueError:
        return False


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode().rstrip("=")
