"""The documentation builds without a warning and says what the registry says."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tomojupyter.steps import REGISTRY
from tomojupyter.steps.base import parameters

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-q", "-E", "-d", out / "trees"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "docs", out / "html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out / "html"


def read(name):
    return yaml.safe_load((ROOT / "tests" / "contract" / name).read_text(encoding="utf-8"))


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_every_method_and_parameter_has_its_row(site):
    text = text_of(site / "reference" / "methods.html")
    for operation, methods in REGISTRY.items():
        for method, cls in methods.items():
            assert f"{operation} {method}" in text
            helps = [f.metadata["help"].replace("`", "") for f in parameters(cls)]
            assert [words for words in helps if words not in text] == []


def test_rows_faults_and_differences_have_their_tables(site):
    """What test_promises.py finds in the tests is what a reader finds."""
    texts = {name: text_of(site / "reference" / f"{name}.html") for name in ("paper", "pitfalls")}
    for name, entries in (
        ("paper", read("rows.yaml")),
        ("pitfalls", [fault for group in read("pitfalls.yaml") for fault in group["faults"]]),
    ):
        for entry in entries:
            words = entry.get("promise") or entry["fault"]
            assert words.replace("`", "") in texts[name]
            assert all(test in texts[name] for test in entry.get("tests", []))
    # A row that waits for something says for what, and none that does not says so.
    open_rows = any("later" in entry for entry in read("rows.yaml"))
    assert ("in part: " in texts["paper"] or "not yet: " in texts["paper"]) == open_rows
    differences = text_of(site / "reference" / "etspy.html")
    assert [d for d in read("etspy_differences.yaml") if d not in differences] == []


def test_reference_describes_the_public_classes(site):
    text = text_of(site / "reference" / "api.html")
    for name in ("TomoStack", "RecStack", "Recipe", "TomojupyterError", "get_catalyst_data"):
        assert name in text


def test_pages_ask_for_nothing_from_other_hosts(site):
    foreign = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:)?//', re.IGNORECASE)
    pages = list(site.glob("**/*.html"))
    assert len(pages) > 10
    assert [p.name for p in pages if foreign.search(p.read_text(encoding="utf-8"))] == []
