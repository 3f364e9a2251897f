"""A Step: one algorithm and its parameters, as a frozen dataclass.

The default, bounds, unit and help of a parameter stand in :func:`param` and nowhere else. The
method, the form, the recipe and the docs table are all made from it.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import numbers
import types
import typing
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, dataclass_transform

import numpy as np

from tomojupyter.errors import ParameterError, UnknownMethodError, UnknownParameterError
from tomojupyter.steps.arrays import GivenArray

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomojupyter.monitor import Monitor

AUTO = "auto"
"""What may be given for None wherever `param` says what None stands for."""

REGISTRY: dict[str, dict[str, type[Step]]] = {}
"""Every Step class, by operation and method, in the order of registration."""

LISTENERS: list[Callable[[str], None]] = []
"""Called with the operation's name when a Step joins it."""


def param(
    default: Any = dataclasses.MISSING,
    help: str = "",  # noqa: A002  the word users of argparse and traits know
    *,
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    choices: Sequence[Any] | None = None,
    auto: str = "",
    advanced: bool = False,
    last: bool = False,
) -> Any:
    """Declare a parameter of a Step.

    Parameters
    ----------
    default
        Its default; None means "chosen from the data", and `auto` says how. The word "auto"
        may be given for it.
    help
        One line for the docstring, the tooltip and the docs table.
    unit
        "px", "deg", "nm" ...
    ge, gt, le
        Bounds: at least, more than, at most.
    choices
        The values allowed.
    auto
        What None stands for.
    advanced
        Shown under "More" in a form.
    last
        Comes after those of the classes below: for what a base has in common.
    """
    metadata = {
        "help": help,
        "unit": unit,
        "ge": ge,
        "gt": gt,
        "le": le,
        "choices": tuple(choices) if choices else None,
        "auto": auto,
        "advanced": advanced,
        "last": last,
    }
    return field(default=default, metadata=metadata)


@dataclass
class Outcome:
    """What `apply` returns.

    Parameters
    ----------
    signal
        The result.
    scalars
        Figures for the record, such as the final residual.
    step
        The Step as it was really done, if that differs (iterations after Finish).
    completed
        Called with the result once it has its record, for what is kept in a file.
    outputs
        The results by name, of a Step that has several; `signal` is None then.
    """

    signal: Any
    scalars: dict[str, Any] = field(default_factory=dict)
    step: Step | None = None
    completed: Callable[[Any], None] | None = None
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Step:
    """Base of all Steps. A Step is immutable, validated when it is made, and knows no signal."""

    operation: ClassVar[str] = ""
    method: ClassVar[str] = ""
    needs_tilts: ClassVar[bool] = False
    by_mass: ClassVar[bool] = False
    """Whether it takes pixels for amounts of matter, as edges are not."""
    in_memory: ClassVar[bool] = False
    decides: ClassVar[tuple[str, ...]] = ()  # parameters that only the run itself settles
    finished_by: ClassVar[str] = ""
    """The parameter by which the Step as done says where Finish ended it; "" if nothing can."""
    covers: ClassVar[tuple[str, ...]] = ()
    """Other operations whose work the Step does as well."""
    on: ClassVar[str] = "TomoStack"
    together: ClassVar[bool] = False
    """Several signals are one input, as with coupled reconstructions."""

    def __post_init__(self) -> None:
        for f in parameters(type(self)):
            object.__setattr__(self, f.name, _validate(type(self), f, getattr(self, f.name)))
        self.check()

    def check(self) -> None:
        """Raise ParameterError if parameters contradict each other."""

    def resolve(self, signal: Any) -> Self:
        """Replace every "auto" by the value that will be used on `signal`."""
        return self

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Do it."""
        raise TypeError(f"{type(self).__name__} does not say what it does: give it an apply()")

    def apply_together(
        self, signals: Mapping[str, Any], monitor: Monitor, **options: Any
    ) -> Outcome:
        """Do it on several signals at once, of a Step that is `together`."""
        raise TypeError(f"{type(self).__name__} takes one signal, not several together")

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters as plain Python (JSON) values."""
        return {f.name: _plain(getattr(self, f.name)) for f in parameters(type(self))}

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some parameters changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def __str__(self) -> str:
        given = ", ".join(
            f"{f.name}: {_words(getattr(self, f.name))}"
            for f in parameters(type(self))
            if getattr(self, f.name) != f.default
        )
        return f"{self.operation} {self.method} {{{given}}}"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(param,))
def step(operation: str, method: str) -> Callable[[type], type]:
    """Make a frozen dataclass of the class below and register it.

    Parameters
    ----------
    operation
        Name of the signal's method, such as ``"filter"``.
    method
        Name of the algorithm, such as ``"median"``.
    """

    def register(cls: type) -> type:
        cls = dataclass(frozen=True, kw_only=True)(cls)
        cls.operation, cls.method = operation, method  # type: ignore[attr-defined]
        REGISTRY.setdefault(operation, {})[method] = cls
        for listener in LISTENERS:
            listener(operation)
        return cls

    return register


def parameters(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a Step class."""
    return tuple(sorted(dataclasses.fields(cls), key=lambda f: bool(f.metadata.get("last"))))


def find(operation: str, method: str) -> type[Step]:
    """Return the Step class; names of methods ignore case.

    Raises
    ------
    UnknownMethodError
        Naming the methods there are and the closest match.
    """
    if operation not in REGISTRY:
        raise UnknownMethodError(
            f"{operation}: not an operation ({', '.join(REGISTRY)} are)"
            + closest(operation, REGISTRY)
        )
    methods = REGISTRY[operation]
    if not isinstance(method, str):
        raise UnknownMethodError(
            f"the method of {operation} must be a name ({', '.join(methods)}), got {method!r}"
        )
    exact = [methods[method]] if method in methods else []
    for name, cls in methods.items():
        if name.lower() == method.lower():
            exact.append(cls)
    if not exact:
        raise UnknownMethodError(
            f"{method}: not a method of {operation} ({', '.join(methods)} are)"
            + closest(method, methods)
        )
    return exact[0]


def make_step(operation: str, method: str, **values: Any) -> Step:
    """Build and validate a Step.

    Raises
    ------
    UnknownMethodError, UnknownParameterError, ParameterError
    """
    cls = find(operation, method)
    known = [f.name for f in parameters(cls)]
    for name in values:
        if name not in known:
            raise UnknownParameterError(_unknown(cls, name, known))
    missing = [
        f.name for f in parameters(cls) if f.default is dataclasses.MISSING and f.name not in values
    ]
    if missing:
        raise UnknownParameterError(
            f"{cls.operation} {cls.method} needs {' and '.join(missing)}, which was not given"
        )
    return cls(**values)


def _unknown(cls: type[Step], name: str, known: Sequence[str]) -> str:
    others = [
        method
        for method, other in REGISTRY[cls.operation].items()
        if other is not cls and name in [f.name for f in parameters(other)]
    ]
    if others:
        have = "have" if len(others) > 1 else "has"
        return f"{name}: not a parameter of {cls.method} ({', '.join(others)} {have} it)"
    listed = ", ".join(known) if known else "none"
    return f"{name}: not a parameter of {cls.operation} {cls.method} (known: {listed})" + closest(
        name, known
    )


def closest(name: str, known: Any) -> str:
    """Return "; did you mean ...?" if one of the known names is near, else nothing."""
    lower = {str(k).lower(): str(k) for k in known}
    match = difflib.get_close_matches(str(name).lower(), lower, n=1)
    return f"; did you mean {lower[match[0]]}?" if match else ""


def kind(cls: type, f: dataclasses.Field[Any]) -> tuple[type, bool]:
    """Return the plain type of a parameter (int, float, bool, str, tuple) and whether None is."""
    hint = typing.get_type_hints(cls)[f.name]
    optional = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        options = [a for a in typing.get_args(hint) if a is not type(None)]
        optional = len(options) < len(typing.get_args(hint))
        hint = options[0]
    return typing.get_origin(hint) or hint, optional


def _validate(cls: type, f: dataclasses.Field[Any], value: Any) -> Any:
    """Return `value` as the parameter's own type, or raise a sentence."""
    base, optional = kind(cls, f)
    if optional and f.metadata["auto"] and isinstance(value, str) and value.lower() == AUTO:
        value = None
    if value is None:
        if optional:
            return None
        raise ParameterError(f"{f.name} must be given, got None")
    if base is tuple and "str" in str(f.type):
        return _as_names(f.name, value)
    if base is tuple:
        return _as_tuple(f.name, value, whole="int" in str(f.type))
    if base is GivenArray:
        return GivenArray.of(f.name, value)
    if f.metadata["choices"]:
        return _choice(f.name, value, f.metadata["choices"])
    value = _convert(f, base, value)
    _bounds(f, value)
    return value


def _choice(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        same = isinstance(value, str) and isinstance(choice, str)
        if value == choice or (same and value.lower() == choice.lower()):
            return choice
    raise ParameterError(
        f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}"
        + closest(value, choices)
    )


def _convert(f: dataclasses.Field[Any], base: type, value: Any) -> Any:
    unit = f" ({f.metadata['unit']})" if f.metadata["unit"] else ""
    if base is bool:
        if isinstance(value, bool | np.bool_):
            return bool(value)
        raise ParameterError(f"{f.name} must be True or False, got {value!r}")
    if base is str:
        if isinstance(value, str):
            return value
        raise ParameterError(f"{f.name} must be text, got {value!r}")
    number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if not number or not math.isfinite(value):
        what = "a whole number" if base is int else "a number"
        raise ParameterError(f"{f.name} must be {what}{unit}, got {value!r}")
    if base is int:
        if float(value) != int(value):
            raise ParameterError(f"{f.name} must be a whole number{unit}, got {value!r}")
        return int(value)
    return float(value)


def _bounds(f: dataclasses.Field[Any], value: Any) -> None:
    unit = f" {f.metadata['unit']}" if f.metadata["unit"] else ""
    for key, words, fails in (
        ("ge", "at least", lambda limit: value < limit),
        ("gt", "more than", lambda limit: value <= limit),
        ("le", "at most", lambda limit: value > limit),
    ):
        limit = f.metadata[key]
        if limit is not None and fails(limit):
            raise ParameterError(f"{f.name} must be {words} {limit:g}{unit}, got {value:g}")


def _as_tuple(name: str, value: Any, whole: bool) -> tuple[Any, ...]:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "iuf" and array.size:
        raise ParameterError(f"{name} must be a list of numbers, got {value!r}")
    if array.ndim == 0:
        array = array[None]
    if array.size:
        good = np.isfinite(array) & (not whole or array == np.floor(array))
        if not good.all():
            what = "whole" if whole else "finite"
            raise ParameterError(
                f"{name} must be {what} numbers, but #{np.argmin(good)} is {array[~good][0]}"
            )
        array = array.astype(int) if whole else array
    return _nested(array.tolist())


def _as_names(name: str, value: Any) -> tuple[str, ...]:
    """Return names given as a list, or as one text with commas or spaces between them."""
    listed = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(v, str) for v in listed):
        raise ParameterError(f"{name} must be a list of names, got {value!r}")
    return tuple(listed)


def _nested(items: list[Any]) -> tuple[Any, ...]:
    return tuple(_nested(i) if isinstance(i, list) else i for i in items)


def _plain(value: Any) -> Any:
    if isinstance(value, GivenArray):
        return value.plain()
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _words(value: Any) -> str:
    if value is None:
        return AUTO
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        shown = ", ".join(_words(v) for v in value[:6])
        return f"[{shown}{', ...' if len(value) > 6 else ''}]"
    return str(value)
