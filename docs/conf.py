"""Build of the documentation: `sphinx-build -W docs docs/_build/html`."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from tomojupyter.steps.operation import methods_table

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from promises import PAGES  # noqa: E402  beside this file

HEAD = """# Operations

Every operation is a method of `TomoStack`, those of volumes of `RecStack`, and those of spectra
(`line_maps`, `decompose`) are functions of `tomo.spectral`; every method of it, with its
parameters, is listed here as the registry of Steps has it. Method names ignore case.

"""


def write_page(name: str, text: str) -> None:
    """Write a page of the reference that is made here, if it changed."""
    path = HERE / "reference" / f"{name}.md"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def shorten(*event) -> None:
    """Leave the list of methods out of an operation's docstring: methods.md has it."""
    *_, obj, _, lines = event
    if hasattr(obj, "intro"):
        lines[:] = [*obj.intro.splitlines(), "", "Methods and parameters: see *Operations*.", ""]


def setup(app) -> None:
    """Connect the above."""
    app.connect("autodoc-process-docstring", shorten, priority=1)


write_page("methods", HEAD + methods_table().rstrip() + "\n")
for page, text in PAGES.items():
    write_page(page, text())

project = "tomojupyter"
author = "The tomojupyter developers"
copyright = "the tomojupyter developers"
release = version = installed_version("tomojupyter")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "changes"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False

smartquotes = False  # names and values are shown as they are typed

html_theme = "pydata_sphinx_theme"
html_title = "tomojupyter"
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": False, "show_prev_next": False}
