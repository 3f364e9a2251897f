"""Run a template as a notebook, and make a page or a PDF of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

from tomojupyter import errors
from tomojupyter.errors import MissingFileError, ParameterError, UnknownParameterError
from tomojupyter.paths import template, template_names
from tomojupyter.steps.base import closest
from tomojupyter.steps.checks import warn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PRINTING = 120  # seconds
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ margin: 15mm; }}
body {{ font: 15px/1.5 sans-serif; color: #1d2430; max-width: 60em; margin: 2em auto;
       padding: 0 1em; }}
h1 {{ font-size: 1.7em; }} h2 {{ font-size: 1.25em; margin-top: 1.6em; }}
img {{ max-width: 100%; }}
table {{ border-collapse: collapse; font-size: 13px; }}
th, td {{ padding: 4px 10px; border-bottom: 1px solid #d5dae1; text-align: left;
         overflow-wrap: anywhere; vertical-align: top; }}
pre {{ font-size: 12px; white-space: pre-wrap; background: #f5f6f8; padding: 8px; margin: 0; }}
.jp-OutputPrompt, .jp-InputPrompt, .anchor-link, .prompt {{ display: none; }}
h2, img, tr {{ break-inside: avoid; }} h2 {{ break-after: avoid; }}
</style></head><body>
{body}
</body></html>
"""


def parameters_of(name: str) -> dict[str, str]:
    """Return the parameters of a template and the help on each.

    Raises
    ------
    ParameterError
        If there is no such template.
    """
    import papermill

    if name not in template_names():
        raise ParameterError(
            f"{name}: not a template ({', '.join(template_names())} are)"
            + closest(name, template_names())
        )
    found = papermill.inspect_notebook(str(template(name)))
    return {key: value["help"] for key, value in found.items()}


def execute(name: str, notebook: Path, parameters: Mapping[str, Any]) -> Path:
    """Run a template and keep it as a notebook.

    Parameters
    ----------
    name
        Of the template, such as ``"reconstruct"``.
    notebook
        File to write, with all outputs.
    parameters
        Values for its cell of parameters; paths absolute, since kernels change directory.

    Returns
    -------
    pathlib.Path
        `notebook`.

    Raises
    ------
    UnknownParameterError
        If the template has no such parameter.
    TomojupyterError
        That was raised in a cell; `notebook` is not there then.
    """
    import papermill

    known = parameters_of(name)
    for key in parameters:
        if key not in known:
            raise UnknownParameterError(
                f"{key}: not a parameter of the template {name} (known: {', '.join(known)})"
                + closest(key, known)
            )
    try:
        executed = papermill.execute_notebook(
            template(name), notebook, parameters=dict(parameters), progress_bar=False
        )
    except papermill.PapermillExecutionError as error:
        kind = getattr(errors, error.ename, None)
        if kind is None:
            raise
        # The sentence says it all, and the next try must not stumble over the file.
        notebook.unlink(missing_ok=True)
        raise kind(error.evalue) from None
    _repeat_warnings(executed)
    return notebook


def _repeat_warnings(notebook: Any) -> None:
    """Say here what was said in the cells of a notebook."""
    said: set[str] = set()
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                said.update(re.findall(r"TomojupyterWarning: (.+)", output["text"]))
    for sentence in sorted(said):
        warn(sentence)


def to_html(notebook: Path, page: Path, code: bool = False) -> Path:
    """Write an executed notebook as one page that needs no other file and no network.

    Parameters
    ----------
    notebook
        The notebook.
    page
        File to write.
    code
        Show the code, too.

    Returns
    -------
    pathlib.Path
        `page`.
    """
    import nbformat
    from nbconvert import HTMLExporter

    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        if cell.cell_type == "code":
            # Progress and warnings are for the person who ran it.
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    exporter = HTMLExporter(
        template_name="basic", exclude_input=not code, exclude_input_prompt=True,
        exclude_output_prompt=True,
    )  # fmt: skip
    body, _ = exporter.from_notebook_node(content)
    body = re.sub(r"<script\b.*?</script>", "", body, flags=re.DOTALL)
    page.write_text(PAGE.format(title=notebook.stem, body=body), encoding="utf-8")
    return page


def find_browser() -> str | None:
    """Return a program of the Chromium family, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def to_pdf(page: Path, target: Path, browser: str | None = None) -> Path:
    """Print a page with Chromium.

    Parameters
    ----------
    page
        The HTML file.
    target
        File to write.
    browser
        Program to use; None: the one that is found.

    Returns
    -------
    pathlib.Path
        `target`.

    Raises
    ------
    ParameterError
        If there is no Chromium or it does not print.
    """
    program = browser or find_browser()
    if program is None:
        raise ParameterError(
            f"a PDF needs Chromium or Chrome, which is not there: print {page} with any browser"
        )
    with tempfile.TemporaryDirectory() as profile:
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
            "--no-pdf-header-footer", f"--print-to-pdf={target.absolute()}",
            page.absolute().as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PRINTING)
        except (OSError, subprocess.SubprocessError) as error:
            raise ParameterError(f"{program} did not print {page.name}: {error}") from error
    if not target.is_file():
        raise MissingFileError(f"{program} ended without having printed {target}")
    return target
