"""The tables of the paper's rows and of the faults name tests that are there and always run."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("promises", ROOT / "docs" / "promises.py")
promises = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(promises)

TESTS = promises.known_tests()
ROWS = promises.read("rows.yaml")
FAULTS = [fault for group in promises.read("pitfalls.yaml") for fault in group["faults"]]


def lines(entries):
    return {e.get("row") or e["fault"]: promises.line_of(e, TESTS) for e in entries}


@pytest.mark.parametrize("entries", [ROWS, FAULTS], ids=["rows", "faults"])
def test_every_named_test_is_there_and_always_run(entries):
    named = [test for entry in entries for test in entry.get("tests", [])]
    assert len(named) > 20
    assert [test for test in named if not TESTS.get(test)] == []


def test_every_row_has_a_test_of_its_name_or_says_what_is_missing():
    without = []
    for entry in ROWS:
        line = promises.line_of(entry, TESTS)
        own = [t for t in line.tests if f"::test_row_{entry['row']}" in t]
        if not own and (line.tests or not line.pending):
            without.append(entry["row"])
    assert without == []


def test_every_test_of_a_row_belongs_to_one():
    shown = {test for line in lines(ROWS).values() for test in line.tests}
    assert [t for t in TESTS if "::test_row_" in t and t not in shown] == []


def test_every_fault_has_a_test_or_says_what_is_missing():
    assert [k for k, line in lines(FAULTS).items() if not (line.tests or line.pending)] == []


def test_what_is_awaited_comes_with_something_or_adds_to_what_is_there():
    for entry in [*ROWS, *FAULTS]:
        if not promises.line_of(entry, TESTS).tests:
            assert entry["later"]
        assert set(entry) <= {"row", "section", "promise", "fault", "tests", "awaited", "later"}


def test_all_rows_of_the_paper_and_all_faults_are_listed():
    assert len(ROWS) == 24
    assert len({entry["row"] for entry in ROWS}) == 24
    assert len(FAULTS) == 59
    assert len({entry["fault"] for entry in FAULTS}) == 59


def test_the_status_follows_from_the_tests():
    one = {"row": "0_none", "tests": ["a.py::test_a"], "awaited": ["b.py::test_b"]}
    assert promises.line_of(one, {"a.py::test_a": True}).status == "done"
    assert promises.line_of(one, {"a.py::test_a": True}).tests == ("a.py::test_a",)
    # A test that is skipped or expected to fail shows nothing.
    assert promises.line_of(one, {"a.py::test_a": False}).tests == ()
    found = {"a.py::test_a": True, "b.py::test_b": True, "c.py::test_row_0_none_c": True}
    assert promises.line_of(one, found).tests == (
        "c.py::test_row_0_none_c", "a.py::test_a", "b.py::test_b",
    )  # fmt: skip
    later = {"later": [{"what": "x", "until": "filter none"}, {"what": "y", "until": "filter bpf"}]}
    assert promises.line_of({**one, **later}, found).status == "in part: x"
    assert promises.line_of({"fault": "f", **later}, found).status == "not yet: x"
    assert promises.exists("TomoStack.reconstruct")
    assert not promises.exists("datasets.none")
