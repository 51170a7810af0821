"""The watch over the whole run can fail: tests that leak, run by a pytest of their own, are told so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests.support.leaks import Watch

def pytest_configure(config):
    config.pluginmanager.register(Watch(), "leaks")
"""
BEGIN = """
import base64, logging, subprocess, sys, warnings
from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.simulator import SimulatedAgora, World
from agora_tencent_analytics.tencent.sign import TencentCredentials, derive_key, sign

MARK, KEY = "a-marker-secret", "a-marker-key"
AGORA = AgoraCredentials(customer_id="id", customer_secret=MARK)
TENCENT = TencentCredentials(secret_id="id", secret_key=KEY, token="an-sts-token")
LINE = '{"base_url":"http://127.0.0.1:1","credentials":{"customer_secret":"a-marker-secret"},"start":1,"end":2}'
HEADERS = {"content-type": "application/json", "host": "h", "x-tc-action": "A"}
of_the_day = lambda: derive_key(TENCENT.secret_key, "2026-01-01", "trtc")
signed = lambda: sign(TENCENT, headers=HEADERS, body=b"", service="trtc", timestamp=1)
"""
QUIETLY = ("-q", "-rE", "--show-capture=no", "--tb=line", "-p", "no:cacheprovider")
LEAKING = {
    "print(AGORA.customer_secret.reveal())": "an Agora customer secret in standard output",
    "print(TENCENT.secret_key.reveal(), file=sys.stderr)": "a Tencent secret key in standard error",
    "print('say', TENCENT.token.reveal()); capsys.readouterr()": "an STS token in standard output",
    "print(AGORA.basic.reveal().split()[1])": "the pair of a Basic header in base64 in standard output",
    "print('Basic', base64.b64encode(b'somebody:else').decode())": "a signed header in standard output",
    "print(of_the_day().reveal().hex())": "a TC3 key of the day in standard output",
    "print(of_the_day().reveal())": "a TC3 key of the day in standard output",
    "print(signed().reveal())": "a signed header in standard output",
    "logging.getLogger('x').debug('sent %s', MARK)": "in the log",
    "logging.getLogger('x').debug('sent', extra={'with_': MARK})": "in the log",
    "logging.getLogger('x').debug('%(a)s', {'a': 1, 'b': MARK})": "in the log",
    "\n    try:\n        raise KeyError(MARK)\n    except KeyError:\n        logging.exception('oops')": "in the log",
    "(tmp_path / 'sub').mkdir(); (tmp_path / 'sub' / 'report.json').write_text(MARK)": "in the file report.json",
    "subprocess.run([sys.executable, '-c', f'print({MARK!r})'], stdout=-1)": "in standard output",
    "print(SimulatedAgora(World(seed=1, calls=1, start=0, end=3600)).credentials)": "a simulator's customer_secret",
    "print(LINE.replace('start', 'begin'))": "an Agora customer secret in standard output",
}
SILENT = {
    "print(LINE)": "the line that `simulate` prints",
    "print(AGORA, TENCENT, [AGORA.basic, signed()], {'a': TENCENT.secret_key}, 'Basic authentication')": "reprs",
    "print(f'{AGORA.customer_secret} {TENCENT.token!s:.80}', AGORA.basic[:80], signed()[6:])": "texts and parts",
    "print(of_the_day())": "the key of a day",
    "print('a-marker')": "a part of it",
}


def run(folder: Path, bodies: Sequence[str], *options: str) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST)
    tests = [f"def test_{number}(tmp_path, capsys):\n    {body}\n" for number, body in enumerate(bodies)]
    # Captured by pytest itself where the test does not ask for it.
    tests = [text if "capsys." in text else text.replace("tmp_path, capsys", "tmp_path") for text in tests]
    (folder / "test_inside.py").write_text(BEGIN + "\n".join(tests))
    done = subprocess.run(
        # The watch of this very run listens: what leaked in there is not repeated here.
        [sys.executable, "-m", "pytest", *QUIETLY, *options, "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def test_a_test_that_leaks_is_failed_and_told_what_and_where(tmp_path: Path) -> None:
    status, told = run(tmp_path, list(LEAKING))
    # Of each error, its head and what it says; the summary says so too only in later versions of pytest.
    lines = dict(re.findall(r"ERROR at teardown of test_(\d+) _+\n(.*)\n", told))
    expected = {str(number): what for number, what in enumerate(LEAKING.values())}
    assert expected.keys() == lines.keys(), told
    assert [] == [what for number, what in expected.items() if what not in lines[number]], told
    assert f"{len(LEAKING)} passed, {len(LEAKING)} errors" in told
    assert 1 == status


@pytest.mark.long
@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_warning_that_leaks_fails_the_run(processes: str, tmp_path: Path) -> None:
    status, told = run(tmp_path, ["warnings.warn(MARK)", "pass"], "-n", processes)
    assert "a secret came out: an Agora customer secret in a warning of test_inside.py::test_0" in told
    assert 1 == status


def test_a_test_that_keeps_quiet_passes(tmp_path: Path) -> None:
    status, told = run(tmp_path, list(SILENT))
    assert f"{len(SILENT)} passed" in told, told
    assert 0 == status


def test_the_watch_is_on_in_this_very_run(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.has_plugin("leaks")
