"""The README is short, links lead somewhere, the site names every public name, and the picture is of today's tables."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

import agora_tencent_analytics as package
from agora_tencent_analytics.cli.tables import SPENT, WORST, vendor_rows, worst_rows
from agora_tencent_analytics.scan import Report
from tests.support.in_turn import in_turn

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.rglob("*.md")),
]
MOST_LINES = 160


def loaded(name: str) -> ModuleType:
    """A script of docs/, which is not a package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def anchors(page: Path) -> set[str]:
    """What headings of a page can be linked to by."""
    heads = re.findall(r"(?m)^#+ (.+?)(?: \{ #([\w-]+) \})?$", page.read_text(encoding="utf-8"))
    return {named or re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head, named in heads}


def dead_links(page: Path) -> list[str]:
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"https?:", target):
            continue
        led = (page.parent / path).resolve() if path else page
        if not led.exists() or (anchor and led.suffix == ".md" and anchor not in anchors(led)):
            dead.append(target)
    return dead


def test_the_readme_is_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@in_turn("page", PAGES)
def test_links_lead_to_what_is_there(page: Path) -> None:
    assert [] == dead_links(page)


def test_a_link_to_nothing_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page: of [its](page.md#a-page-of-its) own\n[x](nowhere.md) [y](page.md#none) [z](https://x.y)\n"
    )
    assert ["page.md#a-page-of-its", "nowhere.md", "page.md#none"] == dead_links(page)


def test_links_to_somewhere_else_are_found_and_one_that_is_dead_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    links = loaded("links")
    (tmp_path / "docs").mkdir()
    text = "See <https://vendor.com/a?b=1#c>, (https://vendor.com/a?b=1#d); http://127.0.0.1:9/x or https://api.example.com/y."
    (tmp_path / "docs" / "page.md").write_text(text)
    assert {"https://vendor.com/a?b=1": ["docs/page.md"]} == links.links(tmp_path)
    assert 1 == links.main({"http://127.0.0.1:9/gone": ["page.md"]})
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("http://127.0.0.1:9/gone: ")
    assert "0 of 1 pages answer" == told[-1]
    assert 0 == links.main({})


def test_the_navigation_names_every_page_once() -> None:
    listed = re.findall(r"(?m)^ +- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")), "each, and each once"
    assert len(listed) > 20


def test_every_public_name_is_in_the_reference() -> None:
    hooks = loaded("hooks")
    shown = set(re.findall(r"<!-- names: (\S+) -->", "".join(page.read_text() for page in DOCS.rglob("*.md"))))
    assert hooks.GROUPS.keys() <= shown
    named = {name.rpartition(".")[2] for group in shown for name in hooks.names_of(group)}
    assert set() == set(package.__all__) - named - {"__version__"}


def test_the_picture_shows_the_tables_as_they_are() -> None:
    texts = [text for text in ElementTree.parse(DOCS / "pictures" / "scan.svg").getroot().itertext() if text.strip()]
    shown = " ".join(" ".join(texts).split())
    assert [] == [title for title in (WORST, SPENT) if title not in shown], "run `python docs/picture.py`"
    words = {word for head in (worst_rows([])[0], vendor_rows(Report())[0]) for name in head for word in name.split()}
    assert set() == words - set(shown.split()), "run `python docs/picture.py`"
    assert texts[-1].strip() == "complete"
