from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LAWS = Path(__file__).parent / "laws"


def test_the_public_names_are_those_that_are_written_down() -> None:
    """In a process of its own: what other tests have put into classes is not public."""
    script = LAWS / "public_api.py"
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60)
    written = (LAWS / "public_api.txt").read_text(encoding="utf-8").splitlines()
    assert written == ran.stdout.splitlines(), "if it is meant: `python tests/laws/public_api.py --write`"
