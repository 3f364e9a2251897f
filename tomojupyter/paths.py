"""The one place that finds `apps/` and `templates/`, in a checkout or installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    checkout = PACKAGE.parent / name
    # An editable install holds stale copies, so the checkout comes first.
    if checkout.is_dir() and (PACKAGE.parent / "pyproject.toml").is_file():
        return checkout
    return PACKAGE / f"_{name}"


def app(name: str) -> Path:
    """Return the notebook of an app, such as ``"tomography"``."""
    return _folder("apps") / f"{name}.ipynb"


def voila_templates() -> Path:
    """Return the folder that holds our Voila template."""
    return _folder("apps") / "voila"


def template(name: str) -> Path:
    """Return a papermill notebook, such as ``"reconstruct"``."""
    return _folder("templates") / f"{name}.ipynb"


def template_names() -> list[str]:
    """Return the names of the papermill notebooks that there are."""
    return sorted(path.stem for path in _folder("templates").glob("*.ipynb"))
