"""What CONTRIBUTING.md says of the house is so: each file that it names for a change exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "agora_tencent_analytics"
VENDORS = ("agora", "tencent")


def named_places(text: str) -> list[str]:
    """The files and folders in the table of changes, in order."""
    table = text.partition("### Where changes are made")[2].partition("\n### ")[0]
    return re.findall(r"`([\w/]+(?:\.py|/))`", table)


def exists(place: str) -> bool:
    """True if this is a file or folder of the package, a vendor's if the name alone is given."""
    folders = [PACKAGE, *(PACKAGE / vendor for vendor in VENDORS), PACKAGE / "tencent" / "events"]
    return any((folder / place).exists() for folder in folders)


def test_every_file_that_a_change_is_made_in_exists() -> None:
    places = named_places((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(places) > 10
    assert [] == [place for place in places if not exists(place)]


def test_a_place_that_is_gone_is_seen() -> None:
    assert ["scan/gone.py"] == named_places("### Where changes are made\n| x | `scan/gone.py` |\n### Layers `more.py`")
    assert not exists("scan/gone.py")


def proofs_of(noxfile: str) -> list[str]:
    return re.findall(r'(?m)^    "(\w+)": \(', noxfile.partition("\nPROOFS")[2].partition("\n}")[0])


RUN = r"(?m)^\| `(\w+)` \| [^|]+ \| (?:\d{4}-\d\d-\d\d \| [^|]*\d[^|]*|- \| -) \|$"
"""A row of the table of proofs: the day and a result with a number in it, or a dash for each."""


def test_every_large_proof_says_when_it_was_last_run_and_with_what_result() -> None:
    told = re.findall(RUN, (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert proofs_of((ROOT / "noxfile.py").read_text("utf-8")) == told
    assert len(told) > 5


def test_a_proof_without_a_day_or_a_result_is_seen() -> None:
    assert [] == re.findall(RUN, "| `worlds` | x | - | all 5 |\n| `kills` | x | 2026-11-29 | - |")
    assert ["kills", "new"] == re.findall(RUN, "| `kills` | x | 2026-11-29 | 200 kills |\n| `new` | x | - | - |")


def drawn(text: str) -> list[str]:
    """The modules and folders in the drawing of the house, from the package down."""
    found = []
    for line in text.partition("agora_tencent_analytics/\n")[2].partition("\ntests/")[0].splitlines():
        folder = line.split()[0] if line.split()[0].endswith("/") else ""
        named = line.split(maxsplit=1)[1] if folder else line.strip()
        words = [*re.split(r" {3,}", named)[0].split(), *re.findall(r"\w+/", line)]
        found += [f"{folder}{word}" if word != folder else word for word in words if word != "..."]
    return found


def test_the_house_is_drawn_as_it_is() -> None:
    names = drawn((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(names) > 100
    assert [] == [name for name in names if not (PACKAGE / name).exists() and not (PACKAGE / f"{name}.py").exists()]
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} <= {
        name.rstrip("/") for name in names
    }
