"""The table of questions, made from the rows: question x vendor x generation x plan.

`python tests/laws/coverage_table.py` prints it; `--write` puts it between the marks in docs/questions.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from agora_tencent_analytics import Endpoint, Plan
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.plans import GENERATIONS
from agora_tencent_analytics.tencent.endpoints import ENDPOINTS
from agora_tencent_analytics.tencent.plans import PLANS

PAGE = Path(__file__).parents[2] / "docs" / "questions.md"
BEGIN, END = "<!-- questions: made from the rows -->", "<!-- end of questions -->"
HEAD = "| Vendor | Generation | Question | Answers with | Plans |\n| --- | --- | --- | --- | --- |"


def table() -> str:
    """The table as Markdown."""
    return "\n".join([HEAD, *_agora(), *_tencent()])


def _agora() -> Iterator[str]:
    for generation, rows in GENERATION_ENDPOINTS.items():
        for row in rows.values():
            yield _line("Agora", generation, row, GENERATIONS[generation])


def _tencent() -> Iterator[str]:
    for row in ENDPOINTS.values():
        yield _line("Tencent", row.generation, row, PLANS)


def _line(vendor: str, generation: str, row: Endpoint[Any], plans: Mapping[str, Plan]) -> str:
    offered = [name for name, plan in plans.items() if row.limits in plan.rows and name != "unlimited"]
    for_sale = [name for name in plans if name != "unlimited"]
    said = "all" if offered == for_sale else ", ".join(offered)
    name = f"`{row.name}`" + (f" (retired: {row.retired})" if row.retired else "")
    return f"| {vendor} | {generation} | {name} | `{row.model.__name__}` | {said} |"


if __name__ == "__main__":
    if "--write" in sys.argv:
        document = PAGE.read_text(encoding="utf-8")
        before, after = document[: document.index(BEGIN)], document[document.index(END) :]
        PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{after}", encoding="utf-8")
    else:
        print(table())
