from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("coverage_table.py")


def run(*arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout.strip()


def test_the_page_lists_every_question_as_the_rows_say() -> None:
    document = (SCRIPT.parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")
    begin, end = "<!-- questions: made from the rows -->", "<!-- end of questions -->"
    listed = document[document.index(begin) + len(begin) : document.index(end)].strip()
    assert run() == listed, "run `python tests/laws/coverage_table.py --write`"
