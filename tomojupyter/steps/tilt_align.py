"""Turn and move the images so that the tilt axis lies along x through their middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics.alignment import tiltaxis
from tomojupyter.numerics.alignment.global_shift import smallest_sum_shift
from tomojupyter.numerics.alignment.max_image import MaxImageFit, max_image_axis
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.checks import seen_by, usable

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


@step("tilt_align", "CoM")
class CentreOfMassAxis(Step):
    """Fit the axis to the paths of the centres of mass of many slices; refuses if it cannot."""

    by_mass = True
    needs_tilts = True
    in_memory = True
    slices: tuple[int, ...] | None = param(
        None, "columns (x) to use", unit="px", auto="all with enough mass", advanced=True
    )
    nslices: int | None = param(
        None, "use this many columns, evenly spaced", ge=3, auto="all", advanced=True
    )

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the aligned stack."""
        seen = seen_by(self, signal)
        good, mask = usable(seen)
        fit = tiltaxis.centre_of_mass_axis(
            seen.data,
            signal.tilts.data.ravel(),
            slices=self.slices,
            nslices=self.nslices,
            vacuum=seen.vacuum(),
            weights=mask & good[:, None, None],
        )
        scalars = {
            "angle_deg": fit.angle_deg,
            "shift_px": fit.shift_px,
            "angle_sigma_deg": fit.angle_sigma_deg,
            "shift_sigma_px": fit.shift_sigma_px,
            "residual_px": fit.residual_px,
        }
        return Outcome(signal._moved(signal._frame.tilted(fit.angle_deg, fit.shift_px)), scalars)


@step("tilt_align", "MaxImage")
class MaxImageAxis(Step):
    """Find the axis' direction from streaks in the maximum image, refined by the whole series."""

    needs_tilts = True
    in_memory = True
    limit: float = param(10.0, "largest angle that is tried", unit="deg", gt=0, le=60)
    delta: float = param(
        0.1, "distance of the angles that are tried", unit="deg", gt=0, advanced=True
    )
    plot_results: bool = param(False, "draw the maximum image and the axis", advanced=True)
    also_shift: bool = param(
        False, "also move the axis to the middle, where the sum of a reconstruction is smallest"
    )
    shift_limit: float = param(
        20.0, "largest shift that `also_shift` tries", unit="px", gt=0, advanced=True
    )

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the aligned stack."""
        seen = seen_by(self, signal)
        good, mask = usable(seen)
        found = max_image_axis(
            seen.data,
            signal.tilts.data.ravel(),
            limit=self.limit,
            delta=self.delta,
            mask=mask & good[:, None, None],
            vacuum=seen.vacuum(),
        )
        scalars: dict[str, Any] = {
            "angle_deg": found.angle_deg,
            "angle_sigma_deg": found.angle_sigma_deg,
            "rule": found.rule,
            "streaks_deg": found.streaks_deg,
        }
        result = signal._moved(signal._frame.tilted(found.angle_deg, 0.0))
        if self.also_shift:
            images = result.for_alignment().data
            mask = result.covered() & np.isfinite(images) & good[:, None, None]
            fit = smallest_sum_shift(
                images,
                signal.tilts.data.ravel(),
                shift_limit=self.shift_limit,
                mask=mask,
                vacuum=seen.vacuum(),
                monitor=monitor,
            )
            scalars |= {"shift_px": fit.shift_px, "shift_sigma_px": fit.shift_sigma_px}
            result = signal._moved(signal._frame.tilted(found.angle_deg, fit.shift_px))
        if self.plot_results:
            draw(found)
        return Outcome(result, scalars)


def draw(found: MaxImageFit) -> Any:
    """Draw the maximum image with the axis that was found, and return the figure."""
    from matplotlib import pyplot as plt

    ny, nx = found.image.shape
    figure, place = plt.subplots(layout="constrained")
    place.imshow(found.image, cmap="gray")
    middle = ((nx - 1) / 2, (ny - 1) / 2)
    slope = float(np.tan(np.deg2rad(-found.angle_deg)))
    place.axline(middle, slope=slope, color="tab:orange", label="tilt axis")
    across = (middle[0] - slope, middle[1] + 1)
    place.axline(middle, across, color="tab:blue", linestyle="--", label="streaks")
    place.set(title=f"Maximum; axis at {-found.angle_deg:.2f}°", xlabel="x (px)", ylabel="y (px)")
    place.legend()
    return figure


@step("tilt_align", "manual")
class ManualAxis(Step):
    """Rotate by an angle, then move by a shift, both set by a person."""

    shift: float = param(0.0, "move the images along y, after the rotation", unit="px")
    angle: float = param(
        0.0, "rotate the images; positive turns +x to +y", unit="deg", ge=-90, le=90
    )

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the aligned stack."""
        return Outcome(signal._moved(signal._frame.tilted(self.angle, self.shift)))
