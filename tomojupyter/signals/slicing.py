"""Slicing a TomoStack is an operation; what no longer is a series becomes a plain signal."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.signals import state
from tomojupyter.steps.base import make_step
from tomojupyter.steps.run import run


def _plainly(name: str) -> Any:
    """Make a method that does HyperSpy's on the plain signal: its result has no tilt axis."""

    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(self._plain(), name)(*args, **keywords)

    method.__name__ = name
    method.__doc__ = f"Return a plain signal; as HyperSpy's ``{name}``."
    return method


class StackSlicing:
    """HyperSpy's methods that cut, join and turn axes."""

    swap_axes = _plainly("swap_axes")
    transpose = _plainly("transpose")
    rollaxis = _plainly("rollaxis")
    diff = _plainly("diff")
    derivative = _plainly("derivative")
    integrate1D = _plainly("integrate1D")  # noqa: N815  HyperSpy's name
    integrate_simpson = _plainly("integrate_simpson")
    interpolate_on_axis = _plainly("interpolate_on_axis")

    def get_current_signal(self: Any, *args: Any, **keywords: Any) -> Any:
        """Return the image at the current indices; as HyperSpy's ``get_current_signal``."""
        plain = self._plain()
        plain.axes_manager.indices = self.axes_manager.indices
        return plain.get_current_signal(*args, **keywords)

    def _apply_function_on_data_and_remove_axis(
        self: Any, function: Any, axes: Any, out: Any = None, **keywords: Any
    ) -> Any:
        plain = self._plain()
        found = self.axes_manager[axes]
        found = found if isinstance(found, tuple | list) else (found,)
        same = tuple(plain.axes_manager._axes[axis.index_in_array] for axis in found)
        return plain._apply_function_on_data_and_remove_axis(function, same, out=out, **keywords)

    def _slicer(self: Any, slices: Any, isNavigation: Any = None, out: Any = None) -> Any:  # noqa: N803
        """Do ``inav[...]`` and ``isig[...]``: record cuts, return single images as views."""
        items = slices if isinstance(slices, tuple) else (slices,)
        chosen = None
        if isNavigation and len(items) == 1 and _is_float(items[0]):
            by_tilt = self._by_tilt(items[0])
            chosen = by_tilt if isinstance(by_tilt, np.ndarray) else None
            items = (slice(None) if chosen is not None else by_tilt,)
        cuts = self._get_array_slices(items, isNavigation)
        whole = all(isinstance(c, slice) and c.step in (None, 1) for c in cuts[1:])
        if out is not None or not whole or not isinstance(cuts[0], slice):
            return self._plain()._slicer(items, isNavigation, out=out)
        result = self
        index = np.arange(self._n)[cuts[0]] if chosen is None else chosen
        if not len(index):
            raise IndexError(
                f"no projection is selected: there are {self._n}, and their tilts lie between "
                f"{self.tilts.data.min():g}° and {self.tilts.data.max():g}°"
            )
        if len(index) < self._n or (np.diff(index) < 0).any():
            step = make_step("trim", "select_projections", projections=tuple(map(int, index)))
            result = run(result, step)
        rows, columns = (
            range(*c.indices(n)) for c, n in zip(cuts[1:], self._frame.shape, strict=True)
        )
        if len(rows) < self._frame.shape[0] or len(columns) < self._frame.shape[1]:
            if not len(rows) or not len(columns):
                raise IndexError(
                    f"no pixel is selected: the images have {self._frame.shape[1]} columns (x) "
                    f"and {self._frame.shape[0]} rows (y)"
                )
            box = {"left": columns[0], "right": columns[-1] + 1,
                   "top": rows[0], "bottom": rows[-1] + 1}  # fmt: skip
            result = run(result, make_step("trim", "crop", **box))
        return result if result is not self else self.deepcopy()

    def _by_tilt(self: Any, item: Any) -> Any:
        """Return what a float or a slice of floats means in true tilts: indices in file order."""
        tilts = self.tilts.data.ravel()
        if not isinstance(item, slice):
            return int(np.argmin(np.abs(tilts - item)))
        if item.step is not None:
            raise IndexError("a slice by tilt has no step: choose projections by index")
        ends = [np.nan if v is None else float(v) for v in (item.start, item.stop)]
        chosen = np.ones(len(tilts), bool)
        if np.isfinite(ends[0]):
            chosen &= tilts >= ends[0] - 1e-6
        if np.isfinite(ends[1]):
            chosen &= tilts < ends[1] - 1e-6
        return np.flatnonzero(chosen)

    def crop(
        self: Any, axis: Any, start: Any = None, end: Any = None, convert_units: bool = False
    ) -> None:
        """Crop an axis in place, as HyperSpy's ``crop``; tilts, shifts and history follow."""
        name = self.axes_manager[axis].name
        where = self.axes_manager[axis].index_in_array
        cut = slice(start, end)
        both = [slice(None), slice(None)]
        if where == 0:
            cropped = self.inav[cut]
        else:
            both[2 - where] = cut
            cropped = self.isig[tuple(both)]
        self._become(cropped)
        if convert_units:
            self.axes_manager.convert_units(name)

    def rebin(
        self: Any, new_shape: Any = None, scale: Any = None, crop: bool = True,
        dtype: Any = None, out: Any = None,
    ) -> Any:  # fmt: skip
        """Sum blocks of pixels, as HyperSpy's ``rebin``; the tilts stay.

        Parameters
        ----------
        new_shape, scale
            In HyperSpy's order: (tilt, x, y).
        crop, dtype, out
            As for HyperSpy's ``rebin``; integers sum up in a wider type.

        Raises
        ------
        DataError
            If projections would be added up.
        """
        factors = self._validate_rebin_args_and_get_factors(new_shape=new_shape, scale=scale)
        if factors[0] != 1:
            raise DataError(
                f"rebin would add up {factors[0]:g} projections of different tilts: "
                "use 1 for the tilt axis, as in scale=(1, 2, 2)"
            )
        if out is not None:
            return self._plain().rebin(
                new_shape=new_shape, scale=scale, crop=crop, dtype=dtype, out=out
            )
        if all(float(f).is_integer() for f in factors) and dtype is None and crop:
            step = make_step("trim", "rebin", factor_y=int(factors[1]), factor_x=int(factors[2]))
            return run(self, step)
        plain = self._plain().rebin(new_shape=new_shape, scale=scale, crop=crop, dtype=dtype)
        return self._shell(plain.data, plain.axes_manager._get_axes_dicts())

    def split(
        self: Any, axis: Any = "auto", number_of_parts: Any = "auto", step_sizes: Any = "auto"
    ) -> list[Any]:
        """Split the series into parts, as HyperSpy's ``split``; tilts, shifts, history follow."""
        if (number_of_parts == "auto") == (step_sizes == "auto"):
            return self._plain().split(axis, number_of_parts, step_sizes)
        chosen = 0 if axis == "auto" else self.axes_manager[axis].index_in_array
        n = self._n if chosen == 0 else self._frame.shape[chosen - 1]
        if number_of_parts != "auto":
            size = n // int(number_of_parts)
            sizes = [size] * int(number_of_parts)
        elif np.ndim(step_sizes) == 0:
            sizes = [int(step_sizes)] * (n // int(step_sizes))
        else:
            sizes = [int(v) for v in step_sizes]
        ends = itertools.pairwise(int(v) for v in np.cumsum([0, *sizes]))
        if chosen == 0:
            return [self.inav[a:b] for a, b in ends]
        if chosen == 1:
            return [self.isig[:, a:b] for a, b in ends]
        return [self.isig[a:b, :] for a, b in ends]

    def align2D(self: Any, **keywords: Any) -> Any:  # noqa: N802  HyperSpy's name
        """Align in place as HyperSpy's ``align2D``; kept in the history as an outside edit."""
        plain = self._plain().deepcopy()
        shifts = plain.align2D(**keywords)
        axes = plain.axes_manager._get_axes_dicts()
        self._become(self._shell(plain.data, axes))
        return shifts


def _is_float(item: Any) -> bool:
    """Tell whether an index means a tilt, not a position."""
    if isinstance(item, slice):
        return any(isinstance(v, float | np.floating) for v in (item.start, item.stop))
    return isinstance(item, float | np.floating)


def concatenate(stacks: Any) -> Any:
    """Join series of the same specimen, tilts included.

    Parameters
    ----------
    stacks
        TomoStacks with images of one size and one pixel size.

    Returns
    -------
    TomoStack
        Their current pixels one after the other, with tilts, nominal tilts and exclusions;
        its history begins here.

    Raises
    ------
    DataError
        If there is none, one is no TomoStack, or their images or pixels differ in size.
    """
    parts = list(stacks)
    if not parts:
        raise DataError("concatenate needs at least one stack, got none")
    for part in parts:
        if not isinstance(part, StackSlicing):
            raise DataError(
                f"concatenate joins TomoStacks, got a {type(part).__name__}: "
                "make one with TomoStack(signal, tilts)"
            )
    shapes = {tuple(s.data.shape[1:]) for s in parts}
    if len(shapes) > 1:
        sizes = " and ".join(f"{nx} x {ny} px" for ny, nx in sorted(shapes))
        raise DataError(f"the images differ in size ({sizes}): crop or bin them alike first")
    first: Any = parts[0]
    _same_pixel_size(parts)
    pixels = np.concatenate([np.asarray(s.data) for s in parts])
    tilts = np.concatenate([s.tilts.data.ravel() for s in parts])
    result = first._eager_class(pixels, tilts)
    axes = zip(result.axes_manager._axes[1:], first.axes_manager._axes[1:], strict=True)
    for axis, model in axes:
        axis.scale, axis.offset, axis.units, axis.name = (
            model.scale, model.offset, model.units, model.name,
        )  # fmt: skip
    result.metadata.General.title = first.metadata.General.title
    state.write_nominal(result.metadata, np.concatenate([s.nominal_tilts for s in parts]))
    reasons = itertools.chain.from_iterable(s.excluded_reason for s in parts)
    excluded = np.concatenate([s.excluded for s in parts])
    left_out = {i: why for i, why in enumerate(reasons) if excluded[i]}
    if left_out:
        state.write_excluded(result.metadata, left_out)
    return result


def _same_pixel_size(parts: Any) -> None:
    for k, name in enumerate("xy"):
        axes = [part.axes_manager.signal_axes[k] for part in parts]
        for axis in axes[1:]:
            close = np.isclose(axis.scale, axes[0].scale, rtol=1e-3)
            if not close or str(axis.units) != str(axes[0].units):
                raise DataError(
                    f"the pixels differ along {name}: {axes[0].scale:g} {axes[0].units} and "
                    f"{axis.scale:g} {axis.units}; correct one with set_scale"
                )
