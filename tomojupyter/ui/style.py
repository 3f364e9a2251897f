"""The look of the app and of panels that stand alone in a notebook: one widget holds the CSS.

Classes, set with ``add_class`` on ipywidgets boxes:

* ``tj-app``: the whole page; its children are ``tj-top``, ``tj-rail``, ``tj-panel``, ``tj-status``.
* ``tj-panel``: ``tj-body`` (pictures) beside ``tj-form``; with ``tj-alone`` too it stands in a
  notebook cell, 600 px high, and has its own ``tj-status``.
* ``tj-body``: ``tj-row`` and ``tj-column`` share the room; ``tj-wide`` takes more of it, ``tj-low``
  only its own height; ``tj-card`` is a white card.
* ``tj-form``: ``tj-form-body`` (scrolls) above ``tj-form-foot`` (record line and buttons);
  ``tj-field`` is a row of label, control, unit; ``tj-buttons`` a row of buttons, ``tj-main`` the
  blue one, ``tj-segments`` a ToggleButtons over the whole width.
* Rail: buttons ``tj-stage`` with two lines in their description, and one of ``tj-done``,
  ``tj-current``, ``tj-stale``, ``tj-skipped``; ``tj-tool`` for those without a number.
* Sentences: ``tj-blocker``, ``tj-warning``, ``tj-error``, ``tj-good``, ``tj-info``; see `sentence`.
"""

from __future__ import annotations

from html import escape
from importlib import resources

import ipywidgets as widgets

from tomojupyter.errors import ParameterError

ICONS = {
    "blocker": "exclamation-triangle",
    "warning": "exclamation-triangle",
    "error": "times",
    "good": "check",
    "info": "info-circle",
}


def style_text() -> str:
    """Return the style sheet."""
    return (resources.files("tomojupyter.ui") / "style.css").read_text(encoding="utf-8")


def style_widget() -> widgets.HTML:
    """Return a widget that takes no room and gives the page our style sheet; one is enough."""
    page = widgets.HTML(f"<style>{style_text()}</style>", layout=widgets.Layout(display="none"))
    return page.add_class("tj-style")


def sentence(text: str, kind: str = "info") -> str:
    """Return a sentence as the HTML of a coloured box, with an icon that says its kind.

    Parameters
    ----------
    text
        Plain text; it is escaped.
    kind
        blocker, warning, error, good or info.

    Returns
    -------
    str
        For the value of an ipywidgets.HTML. Errors have the role ``alert``, others ``status``.

    Raises
    ------
    ParameterError
        An unknown kind.
    """
    if kind not in ICONS:
        raise ParameterError(f"kind must be one of {', '.join(ICONS)}, got {kind!r}")
    role = "alert" if kind == "error" else "status"
    return (
        f'<div class="tj-sentence tj-{kind}" role="{role}">'
        f'<i class="fa fa-{ICONS[kind]}" aria-hidden="true"></i><span>{escape(text)}</span></div>'
    )


def heading(title: str, text: str = "") -> str:
    """Return the name of a panel and its two sentences as HTML."""
    return f'<div class="tj-heading"><h1>{escape(title)}</h1><p>{escape(text)}</p></div>'


def section(title: str, note: str = "") -> str:
    """Return a section head in capitals, with a grey note at the right, as HTML."""
    return f'<div class="tj-section"><b>{escape(title)}</b><span>{escape(note)}</span></div>'


def field_row(label: str, *parts: widgets.Widget | str) -> widgets.Box:
    """Return a row of a form: label, controls, and units or notes as text."""
    shown = [widgets.HTML(part) if isinstance(part, str) else part for part in parts if part]
    return widgets.Box([widgets.Label(label), *shown]).add_class("tj-field")
