"""What turns an operation into a method of a signal: signature, docstring and dispatch."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import numbers
import typing
from typing import Any

from tomojupyter.errors import UnknownParameterError
from tomojupyter.steps.arrays import GivenArray
from tomojupyter.steps.base import LISTENERS, REGISTRY, find, kind, make_step, parameters

if typing.TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = ("show_progressbar", "ncores", "max_memory", "output")
OPERATIONS: dict[str, Callable[..., Any]] = {}


def operation(name: str, order: tuple[str, ...] = ()) -> Callable[[Callable], Callable]:
    """Make a signal's method of an operation.

    The decorated function is called as ``function(self, step, **options)`` with a validated
    Step. Its signature shows the parameters of all methods: those in `order` first (ETSpy's,
    which may be given by position), the others by keyword. It follows the registry, so a Step
    registered later appears in it. Where the first value is a number, the method is the default.

    Parameters
    ----------
    name
        The operation.
    order
        Parameters and run options that may be given by position.
    """

    def decorate(function: Callable) -> Callable:
        own = inspect.signature(function).parameters
        default = own["method"].default

        @functools.wraps(function)
        def method(self: Any, method: str = default, *args: Any, **values: Any) -> Any:
            if isinstance(method, numbers.Real) and order:
                # set_tilts(-76, 2): the method may be left out, as in ETSpy where it has none.
                method, args = default, (method, *args)
            if len(args) > len(order):
                raise UnknownParameterError(
                    f"{name} takes at most {len(order) + 1} values by position "
                    f"(method, {', '.join(order)}), got {len(args) + 1}; name the others"
                )
            for key, value in zip(order, args, strict=False):
                if key in values:
                    raise UnknownParameterError(f"{key} was given twice")
                values[key] = value
            options = {k: values.pop(k) for k in OPTIONS if k in values and k in own}
            return function(self, make_step(name, method, **values), **options)

        OPERATIONS[name] = method
        method.intro = inspect.cleandoc(function.__doc__ or "")  # type: ignore[attr-defined]
        method.head = (default, order, own)  # type: ignore[attr-defined]
        _refresh(name)
        return method

    return decorate


def default_method(name: str) -> str | None:
    """Return the method that an operation takes where none is named; None if it has no default."""
    head = getattr(OPERATIONS.get(name), "head", None)
    return head[0] if head else None


def _union(name: str) -> dict[str, dataclasses.Field[Any]]:
    """Return all parameters of an operation, the first method's definition of each."""
    union: dict[str, dataclasses.Field[Any]] = {}
    for cls in REGISTRY.get(name, {}).values():
        for f in parameters(cls):
            union.setdefault(f.name, f)
    return union


def _refresh(name: str) -> None:
    """Build signature and docstring anew from the registry."""
    if name not in OPERATIONS:
        return
    method: Any = OPERATIONS[name]
    default, order, own = method.head
    union = _union(name)
    positional, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    rows = [
        inspect.Parameter("self", positional),
        inspect.Parameter("method", positional, default=default),
    ]
    for key in order:
        start = own[key].default if key in OPTIONS else union[key].default
        rows.append(inspect.Parameter(key, positional, default=_shown(start)))
    rest = [k for k in union if k not in order]
    rows += [inspect.Parameter(k, keyword, default=_shown(union[k].default)) for k in rest]
    rows += [
        inspect.Parameter(k, keyword, default=own[k].default)
        for k in OPTIONS
        if k in own and k not in order
    ]
    method.__signature__ = inspect.Signature(rows)
    method.__doc__ = f"{method.intro}\n\n{describe(name)}"


LISTENERS.append(_refresh)


def _shown(default: Any) -> Any:
    return None if default is dataclasses.MISSING else default


def describe(name: str) -> str:
    """Return the part of an operation's docstring that follows from its Steps."""
    lines = ["Methods", "-------"]
    for method, cls in REGISTRY.get(name, {}).items():
        lines.append(f"{method}")
        summary = inspect.getdoc(cls) or ""
        lines.append("    " + summary.splitlines()[0])
        for f in parameters(cls):
            lines.append(f"    {f.name} : {type_words(cls, f)}, {default_words(f)}")
            lines.append(f"        {f.metadata['help']}{bounds_words(f)}")
    return "\n".join(lines)


def type_words(cls: type, f: dataclasses.Field[Any]) -> str:
    """Return the type of a parameter in words."""
    if f.metadata["choices"]:
        return "one of " + ", ".join(map(str, f.metadata["choices"]))
    if kind(cls, f)[0] is GivenArray:
        return "volume or file name | None"
    hint = typing.get_type_hints(cls)[f.name]
    text = hint.__name__ if isinstance(hint, type) else str(hint)
    return text.replace("typing.", "")


def default_words(f: dataclasses.Field[Any]) -> str:
    """Return the default of a parameter in words."""
    if f.default is dataclasses.MISSING:
        return "required"
    if f.default is None and f.metadata["auto"]:
        return f"default: {f.metadata['auto']}"
    return f"default {f.default}"


def bounds_words(f: dataclasses.Field[Any]) -> str:
    """Return unit and bounds of a parameter in words."""
    parts = [f.metadata["unit"]] if f.metadata["unit"] else []
    for key, word in (("ge", "at least"), ("gt", "more than"), ("le", "at most")):
        if f.metadata[key] is not None:
            parts.append(f"{word} {f.metadata[key]:g}")
    return f" ({', '.join(parts)})" if parts else ""


def methods_table() -> str:
    """Return the docs table of all operations, methods and parameters, in Markdown."""
    lines = []
    for name, methods in REGISTRY.items():
        lines += [f"## {name}", ""]
        for method in methods:
            cls = find(name, method)
            lines += [f"### {name} {method}", "", inspect.getdoc(cls) or "", ""]
            if parameters(cls):
                lines += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
            for f in parameters(cls):
                lines.append(
                    f"| `{f.name}` | {type_words(cls, f)} | "
                    f"{default_words(f).removeprefix('default ').removeprefix('default: ')} | "
                    f"{f.metadata['help']}{bounds_words(f)} |".replace(" | None |", " or None |")
                )
            lines.append("")
    return "\n".join(lines)
