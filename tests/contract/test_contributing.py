"""CONTRIBUTING's worked example: one function, one class, and the filter is everywhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import inspect
import numpy as np
from scipy import ndimage
import tomojupyter.api as tomo
import example

images = np.random.default_rng(3).normal(5, 1, (5, 12, 16)).astype(np.float32)
stack = tomo.TomoStack(images, np.linspace(-60, 60, 5))
"""
CHECKS = {
    "API": """
result = stack.filter("Smooth", sigma=2)
expected = np.stack([ndimage.gaussian_filter(image, 2) for image in images])
np.testing.assert_allclose(result.data, expected, rtol=1e-5)
assert inspect.signature(tomo.TomoStack.filter).parameters["sigma"].default == 1.0
assert "Smooth every image with a Gaussian." in tomo.TomoStack.filter.__doc__
assert "standard deviation (px, more than 0)" in tomo.TomoStack.filter.__doc__
try:
    stack.filter("smooth", sigma=0)
except ValueError as error:
    assert str(error) == "sigma must be more than 0 px, got 0", error
else:
    raise AssertionError("sigma=0 was taken")
""",
    "recipe": """
result = stack.filter("smooth", sigma=2)
text = tomo.Recipe.of(result).to_yaml()
assert "  - filter: {method: smooth, sigma: 2.0}" in text.splitlines(), text
again = tomo.Recipe.from_yaml(text).run(stack)
assert np.array_equal(again.data, result.data)
assert tomo.Recipe.of(again) == tomo.Recipe.of(result)
""",
    "docs table": """
from tomojupyter.steps.operation import methods_table
section = methods_table().partition("### filter smooth")[2].partition("###")[0]
assert "Smooth every image with a Gaussian." in section
assert "| `sigma` | float | 1.0 | standard deviation (px, more than 0) |" in section, section
""",
    "panel": """
from tomojupyter.ui import FilterPanel
from tomojupyter.ui.jobs import Inline
panel = FilterPanel(stack)
panel.session.executor = Inline()
panel.form.choose("smooth")
assert panel.controls["sigma"].value == 1.0
panel.controls["sigma"].value = 2.0
panel.apply.click()
expected = stack.filter("smooth", sigma=2)
assert np.array_equal(panel.result.data, expected.data)
assert tomo.Recipe.of(panel.result) == tomo.Recipe.of(expected)
""",
}


def worked_example():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return code


def test_worked_example_is_one_function_and_one_class():
    assert re.findall(r"^(def|class) \w+", worked_example(), re.MULTILINE) == ["def", "class"]


@pytest.mark.parametrize("place", CHECKS)
def test_new_filter_appears_in(place, tmp_path):
    (tmp_path / "example.py").write_text(worked_example(), encoding="utf-8")
    check = tmp_path / "check.py"
    check.write_text(BEGIN + CHECKS[place], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, check], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
