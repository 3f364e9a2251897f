"""The reconstruction of all maps of a specimen together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import DataError, ParameterError, TomojupyterError
from tomojupyter.monitor import progress
from tomojupyter.signals.stack import TomoStack
from tomojupyter.steps import make_step, run, run_together

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor
    from tomojupyter.signals.rec import RecStack
    from tomojupyter.steps.base import Step

GUIDE = "guide"


def reconstruct_all(
    stacks: Mapping[str, TomoStack],
    align: TomoStack | None = None,
    method: str = "TNV",
    *,
    guide: TomoStack | None = None,
    show_progressbar: bool = False,
    ncores: int | None = None,
    **parameters: Any,
) -> dict[str, RecStack]:
    """Reconstruct all maps of a specimen with one alignment and one geometry.

    Parameters
    ----------
    stacks
        Maps by name, as :func:`line_maps` and :func:`decompose` return them.
    align
        An aligned TomoStack of the same tilts, such as the sum of the spectra or HAADF images
        of any pixel size: its alignment is applied to every map. None: the maps are aligned.
    method
        ``"TNV"`` couples all maps, whose edges lie in the same places: for few counts. Any
        other method of ``TomoStack.reconstruct`` takes each map by itself.
    guide
        For ``"TNV"``: a TomoStack of the same field that shows the edges with less noise, such
        as HAADF images; aligned along with the maps. Where its pixels are half as wide as theirs,
        volumes are reconstructed in voxels as fine, and then binned: sharper, for three times the
        work and memory; where they are finer, it is binned to half of theirs, else to theirs.
    show_progressbar
        Show a line of progress.
    ncores
        Threads. None: one per core.
    **parameters
        Of the method.

    Returns
    -------
    dict
        Names to RecStacks, in units of the maps per px.

    Raises
    ------
    DataError, ParameterError
        If tilts, fields or values do not fit each other.

    Examples
    --------
    >>> import tomojupyter.api as tomo
    >>> made = tomo.datasets.get_simulated_edx_data(size=16, tilts=[-60, -30, 0, 30, 60])
    >>> maps = tomo.spectral.line_maps(made.edx, lines=["Ni_Ka", "Cr_Ka"])
    >>> volumes = tomo.spectral.reconstruct_all(maps, guide=made.haadf, iterations=10)
    >>> volumes["Ni_Ka"]
    <RecStack, title: Ni_Ka, dimensions: (16|16, 16)>
    """
    _check_stacks(stacks, align, guide)
    step = make_step("reconstruct", method, **parameters)
    monitor = progress(show_progressbar, "Reconstruct")
    return reconstruct_set(stacks, step, align, guide=guide, monitor=monitor, ncores=ncores)


def reconstruct_set(
    stacks: Mapping[str, TomoStack],
    step: Step,
    align: TomoStack | None = None,
    *,
    guide: TomoStack | None = None,
    monitor: Monitor | None = None,
    ncores: int | None = None,
) -> dict[str, RecStack]:
    """Do what :func:`reconstruct_all` does, with a Step and under a monitor.

    Parameters
    ----------
    stacks, align, guide, ncores
        As there.
    step
        The Step of a method of ``reconstruct``.
    monitor
        Follows and stops the work.

    Returns
    -------
    dict
        Names to RecStacks.

    Raises
    ------
    DataError, ParameterError, Cancelled
        As there; Cancelled if the monitor says so.
    """
    _check_stacks(stacks, align, guide)
    if guide is not None and not step.together:
        raise ParameterError(f"guide: {step.method} takes each map by itself; TNV can be guided")
    ready = {name: _aligned(name, stack, align) for name, stack in stacks.items()}
    if not step.together:
        return {name: run(s, step, monitor, ncores=ncores) for name, s in ready.items()}
    if guide is not None:
        if GUIDE in ready:
            raise ParameterError(f'"{GUIDE}" is the name of the guide: name the map differently')
        ready[GUIDE] = _guide(guide, align, next(iter(ready.values())))
        step = step.replace(guide=GUIDE)  # type: ignore[call-arg]
    return run_together(ready, step, monitor, ncores=ncores)


def _check_stacks(stacks: Any, align: Any, guide: Any) -> None:
    if not isinstance(stacks, Mapping) or not stacks:
        raise ParameterError(
            f"stacks must be maps by name, as line_maps returns them, got {type(stacks).__name__}"
        )
    named = {**stacks, "align": align, "guide": guide}
    for name, stack in named.items():
        if not (isinstance(stack, TomoStack) or (stack is None and name not in stacks)):
            raise DataError(
                f"{name} must be a TomoStack, got a {type(stack).__name__}: "
                "make one with TomoStack(signal, tilts)"
            )


def _aligned(name: str, stack: TomoStack, align: TomoStack | None) -> TomoStack:
    if align is None:
        return stack
    try:
        return align.align_other(stack)
    except TomojupyterError as error:
        raise type(error)(f"{name}: {error}") from error


def _guide(guide: TomoStack, align: TomoStack | None, like: TomoStack) -> TomoStack:
    """Return the guide, aligned and in pixels of the maps, or half as wide."""
    aligned = guide if align is None or align is guide else _aligned(GUIDE, guide, align)
    ratios = [
        coarse.scale / fine.scale
        for coarse, fine in zip(
            like.axes_manager.signal_axes, aligned.axes_manager.signal_axes, strict=True
        )
    ]
    factor = round(ratios[0])
    if factor < 1 or any(abs(ratio - factor) > 0.01 * factor for ratio in ratios):
        shown = " and ".join(f"{ratio:.3g}" for ratio in ratios)
        raise DataError(
            f"a pixel of the maps is {shown} pixels of the guide wide: a whole number is needed, "
            "so that the guide can be binned; crop or rebin it first"
        )
    halves = [2 * size for size in like.data.shape[1:]]
    if factor % 2 == 0 and [2 * size // factor for size in aligned.data.shape[1:]] == halves:
        factor //= 2
    return aligned.bin(factor) if factor > 1 else aligned
