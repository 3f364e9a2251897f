"""Tables of the reference that are made from the tests: the paper's rows, faults, ETSpy."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, NamedTuple

import yaml

TESTS = Path(__file__).resolve().parents[1] / "tests"
CONTRACT = TESTS / "contract"
NOT_RUN = ("skip", "skipif", "xfail")
PAPER = """# What the paper promises

Herzing and Taillon (Micron 190, 103774, 2025,
[doi:10.1016/j.micron.2024.103774](https://doi.org/10.1016/j.micron.2024.103774)) describe what a
package for electron tomography does for a microscopist. Each row is one of its promises; its
*listings*, the code that is printed, run as they are printed but for the names of the imports.
Corrected are three printed lines: `"nmf"` reads `"NMF"`, `si_sum` reads `edx_sum`, and
`Ni_binary.sum()` reads `Ni_binary.data.sum()`; `edx.change_dtype("float32")` stands before
`decomposition`. The tests of a row bear its name. This table is made from them.

"""
PITFALLS = """# Faults of the field

Faults that were found in programs for tomography, and the tests that show that they are not here.
This table is made from the tests.

"""
ETSPY = """# Coming from ETSpy

Code for ETSpy's `TomoStack` and `RecStack` works with other imports: names of methods, parameters,
their order and their defaults are compared with ETSpy 1.3.0 by a test, which knows these
differences.

| ETSpy | here, and why |
|---|---|
"""


class Line(NamedTuple):
    """A line of a table.

    Parameters
    ----------
    tests
        The tests that show it, ``folder/file.py::name``.
    pending
        What is still to come, in words.
    """

    tests: tuple[str, ...]
    pending: tuple[str, ...]

    @property
    def status(self) -> str:
        """Return the status in words."""
        state = ("in part" if self.tests else "not yet") if self.pending else "done"
        return f"{state}: {'; '.join(self.pending)}" if self.pending else state


def known_tests(folder: Path = TESTS) -> dict[str, bool]:
    """Return every test function as ``folder/file.py::name``, and whether it is always run."""
    found = {}
    for path in sorted(folder.rglob("test_*.py")):
        name = path.relative_to(folder).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = " ".join(ast.unparse(d) for d in node.decorator_list)
                found[f"{name}::{node.name}"] = not any(f"mark.{m}" in marks for m in NOT_RUN)
    return found


def read(name: str) -> Any:
    """Return the content of a YAML file beside the contract tests."""
    return yaml.safe_load((CONTRACT / name).read_text(encoding="utf-8"))


def exists(what: str) -> bool:
    """Return whether ``operation method`` or ``module.name`` is there by now."""
    import tomojupyter.api as tomo
    from tomojupyter.steps import REGISTRY

    if " " in what:
        operation, method = what.split()
        return method in REGISTRY.get(operation, {})
    home, name = what.split(".")
    return hasattr(getattr(tomo, home), name)


def pending(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return what an entry's `later` names, without what is there by now."""
    return tuple(
        item["what"]
        for item in entry.get("later", [])
        if not (item.get("until") and exists(item["until"]))
    )


def line_of(entry: dict[str, Any], tests: dict[str, bool]) -> Line:
    """Return the line of an entry of rows.yaml or pitfalls.yaml."""
    named = []
    if "row" in entry:
        name = f"test_row_{entry['row']}"
        named = [t for t in tests if f"{t.split('::')[1]}_".startswith(f"{name}_")]
    coming = [t for t in entry.get("awaited", []) if t in tests]
    chosen = [*named, *entry.get("tests", []), *coming]
    return Line(tuple(t for t in chosen if tests.get(t)), pending(entry))


def as_row(first: str, text: str, line: Line) -> str:
    """Return a row of a Markdown table."""
    shown = "<br>".join(f"`{test}`" for test in line.tests)
    cells = [text, shown, line.status]
    return f"| {' | '.join([first, *cells] if first else cells)} |"


def paper_table() -> str:
    """Return the page of the paper's rows."""
    tests = known_tests()
    lines = ["| § | Promise | Tests | Status |", "|---|---|---|---|"]
    for entry in read("rows.yaml"):
        lines.append(as_row(str(entry["section"]), entry["promise"], line_of(entry, tests)))
    return PAPER + "\n".join(lines) + "\n"


def pitfalls_table() -> str:
    """Return the page of the faults."""
    tests = known_tests()
    lines = []
    for group in read("pitfalls.yaml"):
        lines += [f"## {group['group']}", "", "| Fault | Tests | Status |", "|---|---|---|"]
        lines += [as_row("", e["fault"], line_of(e, tests)) for e in group["faults"]]
        lines.append("")
    return PITFALLS + "\n".join(lines).rstrip() + "\n"


def etspy_table() -> str:
    """Return the page of the differences from ETSpy."""
    rows = [f"| `{what}` | {why} |" for what, why in read("etspy_differences.yaml").items()]
    return ETSPY + "\n".join(rows) + "\n"


PAGES = {"paper": paper_table, "pitfalls": pitfalls_table, "etspy": etspy_table}
