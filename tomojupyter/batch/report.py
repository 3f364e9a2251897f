"""Reports on files: a template run on a series or a result, as a notebook, page and PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomojupyter.batch.notebooks import execute, parameters_of, to_html, to_pdf
from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.formats.suffixes import SAVED

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULT, RAW = "report", "quick_look"


def make_report(
    source: str | Path,
    page: str | Path | None = None,
    *,
    template: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    code: bool = False,
    pdf: bool = False,
    overwrite: bool = False,
) -> list[Path]:
    """Run a template on a file and write it as a notebook and a page.

    Parameters
    ----------
    source
        A series or a result.
    page
        HTML file to write, its notebook beside it; None: named as the source and the template, in
        the source's folder.
    template
        Name of a template; None: ``report`` for what tomojupyter saved, ``quick_look`` for others.
    parameters
        Values for its cell of parameters, besides ``input``.
    code
        Show the code on the page.
    pdf
        Print the page, too.
    overwrite
        Replace files that are there.

    Returns
    -------
    list of pathlib.Path
        The page, the notebook, and the PDF if there is one.

    Raises
    ------
    MissingFileError
        If the source, or the folder to write to, is not there.
    ParameterError, UnknownParameterError
        If there is no such template or parameter, a file is there already, or no Chromium prints.
    TomojupyterError
        That was raised in a cell.
    """
    source = Path(source)
    if not source.exists():
        raise MissingFileError(f"{source}: there is no such file")
    name = template or (RESULT if source.suffix.lower() in SAVED else RAW)
    parameters_of(name)
    page = Path(page) if page else source.with_name(f"{source.stem}_{name}.html")
    if page.suffix.lower() not in (".html", ".htm"):
        raise ParameterError(f"{page.name}: a report is written as .html, and as .pdf beside it")
    if not page.absolute().parent.is_dir():
        raise MissingFileError(f"{page.parent}: there is no such folder to write to")
    notebook, printed = page.with_suffix(".ipynb"), page.with_suffix(".pdf")
    for path in (page, notebook, *([printed] if pdf else [])):
        if path.exists() and not overwrite:
            raise ParameterError(
                f"{path} is there already: choose another name, or use --overwrite"
            )
    execute(name, notebook, {"input": str(source.absolute()), **(parameters or {})})
    written = [to_html(notebook, page, code), notebook]
    return [*written, to_pdf(page, printed)] if pdf else written
