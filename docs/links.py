"""Asks for every page elsewhere that the documents, the docstrings and the metadata name: `python docs/links.py`.

Prints those that do not answer, with the files that name them; the exit status is then 1.
"""

from __future__ import annotations

import re
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A host of a single word, a placeholder in braces, and names that are reserved for examples lead nowhere.
LINK = re.compile(r"https?://(?!127\.|localhost)[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:/[\w./~%?=&#+@-]*)?")
NOWHERE = re.compile(r"//[^/]*\b(example\.\w+|test|invalid|internal)(?::\d+)?(/|$)")
NAMES = ("*.md", "docs/**/*.md", "pyproject.toml", "mkdocs.yml", "agora_tencent_analytics/**/*.py")
LIMIT_S = 30


def links(root: Path) -> dict[str, list[str]]:
    """The files that name each address, fragments left out."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted({path for name in NAMES for path in root.glob(name)}):
        for url in LINK.findall(path.read_text("utf-8")):
            place = str(path.relative_to(root))
            if not NOWHERE.search(url) and place not in found[url.partition("#")[0].rstrip(".,")]:
                found[url.partition("#")[0].rstrip(".,")].append(place)
    return found


def trouble(url: str) -> str:
    """Why this address does not answer; `""` if it does."""
    request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S):
            return ""
    except (OSError, ValueError) as error:
        return str(error)


def main(found: Mapping[str, Iterable[str]]) -> int:
    """Prints what does not answer; the exit status."""
    with ThreadPoolExecutor(8) as pool:
        bad = {url: why for url, why in zip(found, pool.map(trouble, found), strict=True) if why}
    for url, why in bad.items():
        print(f"{url}: {why} ({', '.join(found[url])})")
    print(f"{len(found) - len(bad)} of {len(found)} pages answer")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(links(ROOT)))
