"""What may lie in the repository: small files, no data, no outputs, one test command."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {".py", ".js", ".css", ".j2", ".md", ".toml", ".yaml", ".yml", ".sh"}


def repository_files():
    # A checkout that belongs to another user is still ours to list.
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


FILES = repository_files()


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def test_every_source_file_is_under_400_lines():
    sources = [path for path in FILES if path.suffix in SOURCES]
    assert len(sources) > 50
    long = [p for p in sources if len(p.read_text(encoding="utf-8").splitlines()) >= 400]
    assert names(long) == []


def test_every_function_is_under_60_lines():
    long = []
    for path in FILES:
        if path.suffix != ".py" or "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                start = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
                if node.end_lineno - start >= 60:
                    long.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert long == []


def test_no_file_is_larger_than_1_mb():
    assert names(path for path in FILES if path.stat().st_size > 1_000_000) == []


def test_modules_have_plain_names():
    forbidden = {"utils.py", "helpers.py", "common.py"}
    allowed = ROOT / "tomojupyter" / "signals" / "common.py"
    assert names(p for p in FILES if p.name in forbidden and p != allowed) == []


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.suffix == ".ipynb"], ids=lambda path: path.stem
)
def test_notebooks_hold_no_output(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_ci_runs_the_command_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith(".venv/bin/tomojupyter app")
    assert commands[1].endswith('.venv/bin/pip install -e ".[test]" && .venv/bin/pytest')
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = re.search(r"grep -m 1 '(.*)' README\.md", script).group(1)
    assert [line for line in readme.splitlines() if re.search(pattern, line)] == [commands[1]]


def test_links_between_pages_lead_somewhere():
    broken = []
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            if not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
    assert broken == []
