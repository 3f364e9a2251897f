"""The long work of the Spectral panel, by the same Steps as the functions of ``tomo.spectral``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter import spectral
from tomojupyter.steps.run import run
from tomojupyter.ui.panels.spectral_results import fractions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step


class Part:
    """The monitor of a part of the work, which says whether that part heeds Finish.

    Parameters
    ----------
    monitor
        Of the whole work.
    can_finish
        Whether it does.
    """

    def __init__(self, monitor: Monitor, can_finish: bool) -> None:
        self._monitor, self._can_finish = monitor, can_finish

    @property
    def finish_early(self) -> bool:
        """Whether the work shall end with what it has."""
        return self._can_finish and self._monitor.finish_early

    @finish_early.setter
    def finish_early(self, value: bool) -> None:
        self._monitor.finish_early = value

    def __call__(self, done: int, total: int, **values: Any) -> None:
        """Take a report."""
        self._monitor(done, total, can_finish=self._can_finish, **values)


def maps_work(signal: Any, steps: Sequence[Step]) -> Callable[[Monitor], dict[str, Any]]:
    """Return the work that makes maps.

    Parameters
    ----------
    signal
        Of spectra.
    steps
        One that makes maps of them, and those that each map takes afterwards.
    """

    def work(monitor: Monitor) -> dict[str, Any]:
        made: dict[str, Any] = run(signal, steps[0], monitor)
        for step in steps[1:]:
            made = {name: run(stack, step) for name, stack in made.items()}
        return made

    return work


def volumes_work(
    make: Callable[[Monitor], dict[str, Any]] | None,
    maps: Mapping[str, Any],
    step: Step,
    align: Any,
    guide: Any,
    options: Mapping[str, Any],
) -> Callable[[Monitor], tuple[dict[str, Any], dict[str, Any], Any]]:
    """Return the work that reconstructs maps and measures the shares of their volumes.

    Parameters
    ----------
    make
        What makes the maps first; None: they are there.
    maps
        Those that are there.
    step
        Of the reconstruction.
    align, guide
        TomoStacks, or None.
    options
        Run options.
    """

    def work(monitor: Monitor) -> tuple[dict[str, Any], dict[str, Any], Any]:
        # Finish keeps an iteration of the volumes; maps are made to their end.
        made = dict(maps) if make is None else make(Part(monitor, can_finish=False))
        chosen = made if make is None else without_background(made)
        volumes: dict[str, Any] = spectral.reconstruct_set(
            chosen,
            step,
            align,
            guide=guide,
            monitor=Part(monitor, step.together),
            ncores=options.get("ncores"),
        )
        return made, volumes, fractions_of(volumes)

    return work


def without_background(made: dict[str, Any]) -> dict[str, Any]:
    """Return maps without the component that is background, unless it is all there is."""
    return {n: s for n, s in made.items() if n != "background"} or made
