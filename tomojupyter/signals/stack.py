"""TomoStack: a tilt series as a HyperSpy signal, each operation a recorded Step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import BaseSignal, LazySignal2D

from tomojupyter.errors import DataError, TiltsError
from tomojupyter.signals import state
from tomojupyter.signals.angles import angles, check_angles, show_tilts
from tomojupyter.signals.common import RESAMPLED, TomoSignal
from tomojupyter.signals.convergence import Convergence
from tomojupyter.signals.excluding import Excluding
from tomojupyter.signals.operations import StackOperations
from tomojupyter.signals.pixels import Source
from tomojupyter.signals.rec import RecStack
from tomojupyter.signals.scoring import AlignmentScoring
from tomojupyter.signals.seeing import AlignmentView
from tomojupyter.signals.series import TomoShifts, TomoTilts
from tomojupyter.signals.showing import StackPictures
from tomojupyter.signals.slicing import StackSlicing
from tomojupyter.signals.trial import TrialSlices
from tomojupyter.signals.turning import StackTurning
from tomojupyter.steps import history
from tomojupyter.steps.columns import Cover, vacuum_of
from tomojupyter.steps.spectra import MAKERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.geometry import Frame

NAMES = ("Projections", "y", "x")


class TomoStack(
    StackOperations, Excluding, Convergence, TrialSlices, StackPictures, StackSlicing,
    StackTurning, AlignmentScoring, AlignmentView, TomoSignal,
):  # fmt: skip
    """A tilt series with the axes (tilt, y, x); the tilt axis lies along x.

    Parameters
    ----------
    data
        Array (n, ny, nx), nested list, dask array, or a HyperSpy signal with these three axes.
        The pixels of a signal are copied, those of an array are not.
    tilts
        Tilt angles in degrees, one a projection, in the order of the projections. None: those
        that `data` brings along, else 0.
    shifts
        (n, 2) shifts (y, x) in px that were applied to the images. None: none.
    **keywords
        As for HyperSpy's Signal2D.

    Raises
    ------
    DataError, TiltsError
        If the data does not have these axes, or the number of tilts differs.

    Examples
    --------
    >>> import numpy as np
    >>> TomoStack(np.zeros((3, 4, 5)), [-10, 0, 10])
    <TomoStack, title: , dimensions: (3|5, 4)>
    """

    _signal_type = "TomoStack"
    _source: Source | None = None
    _pending = ""

    def __init__(self, data: Any, tilts: Any = None, shifts: Any = None, **keywords: Any) -> None:
        internal = "axes" in keywords or not keywords.get("full_initialisation", True)
        if internal and tilts is None and shifts is None:
            super().__init__(data, **keywords)
            return
        if isinstance(data, BaseSignal):
            keywords = {**_content_of(data), **keywords}
            data = keywords.pop("data")
        elif not hasattr(data, "dask"):
            data = np.asarray(data)
        if data.ndim != 3 or data.dtype.kind not in "buif":
            raise DataError(
                "a tilt series has the axes (tilt, y, x) and real numbers; "
                f"got {data.dtype} of shape {tuple(data.shape)}; tomo.concatenate joins series"
            )
        keywords.setdefault("axes", _fresh_axes(data.shape))
        if hasattr(data, "dask"):
            keywords["attributes"] = {"_lazy": True}
        super().__init__(data, **keywords)
        self._begin(tilts, shifts)

    def _begin(self, tilts: Any, shifts: Any) -> None:
        """Store what belongs to each projection."""
        for axis, name in zip(self.axes_manager._axes, NAMES, strict=True):
            if str(axis.name) == "<undefined>":
                axis.name = name
        known = self.metadata.has_item(f"{state.TOMOGRAPHY}.tilts")
        if tilts is not None or not known:
            self._store_tilts(np.zeros(self._n) if tilts is None else angles(tilts))
        if shifts is not None or not self.metadata.has_item(f"{state.OURS}.frame"):
            frame = self._frame
            if shifts is not None:
                given = TomoShifts(shifts).data
                if len(given) != self._n:
                    raise DataError(
                        f"{self._n} projections but {len(given)} shifts: give one (y, x) a "
                        "projection"
                    )
                frame = frame.registered(given)
            state.write_frame(self.metadata, frame)
        self._check()

    def _store_tilts(self, tilts: np.ndarray) -> None:
        if len(tilts) != self._n:
            raise TiltsError(
                f"{self._n} projections but {len(tilts)} tilts: "
                "give one tilt angle a projection, in the order of the file"
            )
        state.write_tilts(self.metadata, tilts)
        state.write_nominal(self.metadata, tilts)
        show_tilts(self.axes_manager._axes[0], tilts)

    def _refine_tilts(self, tilts: np.ndarray) -> None:
        """Store better tilts; the nominal ones stay."""
        check_angles(tilts)
        state.write_nominal(self.metadata, self.nominal_tilts)
        state.write_tilts(self.metadata, tilts)
        show_tilts(self.axes_manager._axes[0], tilts)

    # ------------------------------------------------------------------ pixels

    @property
    def data(self) -> Any:
        """Pixels (n, ny, nx); asked for the first time after a move, they are resampled."""
        if self._pending:
            self._settle()
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._pending, self._source = "", None
        BaseSignal.data.fset(self, value)

    @property
    def _deferred(self) -> bool:  # type: ignore[override]
        return bool(self._pending)

    def _settle(self) -> None:
        """Do the resampling that was put off."""
        # The source is held by reference: somebody may have written into it since.
        edited = history.edited(self)
        shift_type, self._pending = self._pending, ""
        assert self._source is not None
        self._data = self._source.resample(self.transforms, self._frame, shift_type)
        if edited:
            history.write(self, history.confessed(self))
        self._note_pixels()

    def _origin(self) -> Source:
        """Return the pixels that the next resampling starts from."""
        if self._source is not None and not history.edited(self):
            return self._source
        return Source(self.data, np.arange(self._n), self.transforms, self._resampled)

    def detach(self) -> None:
        """Forget the source pixels, which frees their memory; later moves start from these."""
        self._data, self._source = self.data, None

    def _deepcopy_with_new_data(self, data: Any = None, **keywords: Any) -> Any:
        """Return a copy with other pixels, which become its source; ours stay as they are."""
        source = self._source
        result = super()._deepcopy_with_new_data(data, **keywords)
        self._source = source
        return result

    def __deepcopy__(self, memo: Any) -> Any:
        result = super().__deepcopy__(memo)
        if self._source is not None and self._data.shape == result._data.shape:
            result._source = self._source
        return result

    def _fingerprint(self) -> str:
        if not self._pending:
            return history.fingerprint(self.data)
        source = self._source
        assert source is not None
        matrices = np.round(source.matrices(self.transforms), 9) + 0.0
        parts = (history.fingerprint(source.pixels), history.fingerprint(source.rows),
                 history.fingerprint(matrices))  # fmt: skip
        return "deferred:" + ":".join(part.split(":")[1] for part in parts)

    # ------------------------------------------------------------------ geometry

    @property
    def _n(self) -> int:
        return int(self.axes_manager._axes[0].size)

    @property
    def _frame(self) -> Frame:
        shape = tuple(int(axis.size) for axis in self.axes_manager._axes[1:3])
        return state.read_frame(self.metadata, self._n, shape)  # type: ignore[arg-type]

    @property
    def transforms(self) -> np.ndarray:
        """(n, 3, 3) matrices from acquired to current pixel coordinates (x, y, 1)."""
        return self._frame.transforms

    @property
    def source(self) -> Any:
        """Pixels that the next resampling starts from, in the order of the projections."""
        origin = self._origin()
        return origin.pixels[origin.rows]

    @property
    def source_transforms(self) -> np.ndarray:
        """(n, 3, 3) matrices from acquired to source pixel coordinates (x, y, 1)."""
        return self._origin().transforms

    def _cover(self) -> Cover:
        frame = self._frame
        sources = [(frame.transforms, frame.acquired)]
        for transforms, shape in state.read_sources(self.metadata, self._n, frame.shape):
            sources.append((frame.transforms @ np.linalg.inv(transforms), shape))
        return Cover(tuple(sources), frame.shape)

    def covered(self) -> np.ndarray:
        """Return which pixels have a measured one under them, bool (n, ny, nx)."""
        return self._cover().window(slice(0, self._frame.shape[1]))

    def vacuum(self) -> float:
        """Return the estimated level of the vacuum, in units of the pixels."""
        return self._once("vacuum", lambda: vacuum_of(self.data, self._cover()))

    def _once(self, name: str, work: Callable[[], Any]) -> Any:
        """Return what `work` finds in the pixels; done anew only where these have changed."""
        pixels = history.fingerprint(self.data)
        known = self.__dict__.setdefault("_known", {})
        if known.get(name, ("",))[0] != pixels:
            known[name] = pixels, work()
        return known[name][1]

    # ------------------------------------------------------------------ per projection

    @property
    def tilts(self) -> TomoTilts:
        """Tilt angles in degrees, (n, 1), in the order of the projections."""
        self._check()
        stored = self.metadata.get_item(f"{state.TOMOGRAPHY}.tilts")
        # ETSpy's class of the same name may have been registered too.
        return stored if isinstance(stored, TomoTilts) else TomoTilts(stored.data)

    @tilts.setter
    def tilts(self, value: Any) -> None:
        self._become(self.set_tilts("list", tilts=tuple(angles(value))))

    @property
    def shifts(self) -> TomoShifts:
        """Shifts (y, x) in px applied to the acquired images, (n, 2)."""
        return TomoShifts(self._frame.shifts)

    @property
    def nominal_tilts(self) -> np.ndarray:
        """Tilt angles as acquired, degrees, (n,)."""
        nominal = state.read_nominal(self.metadata)
        return self.tilts.data.ravel() if nominal is None else nominal

    def _check(self, needs_tilts: bool = False) -> None:
        """Raise unless there is one usable tilt a projection."""
        axes = self.axes_manager
        if axes.navigation_dimension != 1 or axes.signal_dimension != 2:
            raise DataError(
                f"this signal has the dimensions {axes._get_dimension_str()}, not (tilt|x, y): "
                "it is no tilt series any more"
            )
        stored = self.metadata.get_item(f"{state.TOMOGRAPHY}.tilts", default=None)
        count = 0 if stored is None else len(stored.data)
        if count != self._n:
            raise TiltsError(
                f"{self._n} projections but {count} tilts: hs.stack keeps only the first "
                "signal's tilts; use tomo.concatenate([a, b]), or enter them with set_tilts"
            )
        if needs_tilts:
            check_angles(stored.data.ravel())

    # ------------------------------------------------------------------ results of Steps

    def _moved(self, frame: Frame, index: Any = None, shift_type: str = "interp") -> Any:
        """Return the stack in another frame; its pixels are resampled when asked for."""
        origin = self._origin()
        if index is not None:
            origin = origin.select(np.asarray(index, int))
        plain = origin.cut(frame.transforms, frame) if self._lazy else None
        plain = plain if plain is None else plain.astype(np.float32)
        n = len(origin.rows)
        pixels = np.broadcast_to(np.float32(0), (n, *frame.shape)) if plain is None else plain
        result = self._shell(pixels, self._axes_for(frame, n))
        if index is not None:
            state.select(result.metadata, np.asarray(index, int))
        state.write_frame(result.metadata, frame)
        state.add_source(result.metadata, origin.transforms, origin.shape)
        history.forget_pixels(result)
        result.metadata.set_item(RESAMPLED, origin.interpolations(frame.transforms))
        show_tilts(result.axes_manager._axes[0], result.tilts.data.ravel())
        if plain is None:
            result._source, result._pending = origin, shift_type
        else:
            result._source = origin
        return result

    def _replaced(self, images: np.ndarray, frame: Frame | None = None) -> Any:
        """Return a stack of other pixels, which become the source of what follows."""
        new = frame or self._frame
        result = self._shell(images, self._axes_for(new, self._n))
        state.write_frame(result.metadata, new)
        return result

    def _calibrated(
        self, tilts: np.ndarray | None = None, pixel: float | None = None, units: str = "nm"
    ) -> Any:
        """Return the stack with other tilts or another pixel size."""
        result = self._twin()
        if tilts is not None:
            check_angles(np.asarray(tilts, float))
            result._store_tilts(np.asarray(tilts, float))
        if pixel is not None:
            for axis in result.axes_manager._axes[1:3]:
                axis.offset *= pixel / axis.scale
                axis.scale, axis.units = pixel, units
        return result

    def _axes_for(self, frame: Frame, n: int) -> list[dict[str, Any]]:
        """Return the axes of `n` images in another frame."""
        axes = self.axes_manager._get_axes_dicts()
        axes[0]["size"] = n
        old = self._frame
        for k, axis in ((1, axes[1]), (0, axes[2])):
            # A current pixel i lies at acquired (i - offset) / scale.
            ratio = old.scale[k] / frame.scale[k]
            start = (old.offset[k] - frame.offset[k] * ratio) * axis["scale"]
            axis["size"] = frame.shape[1 - k]
            axis["offset"] += start
            axis["scale"] *= ratio
        return axes

    def _volume(self, volume: Any) -> RecStack:
        """Return the RecStack of a (nx, nz, ny) volume, NumPy or dask, made from this stack."""
        _, y, x = self.axes_manager._get_axes_dicts()
        z = {**y, "name": "z", "size": volume.shape[1], "offset": 0.0}
        axes = [{**x, "navigate": True}, z, {**y, "size": volume.shape[2]}]
        metadata = self.metadata.deepcopy().as_dictionary()
        metadata["Signal"]["signal_type"] = RecStack._signal_type
        metadata[state.OURS].pop("alignment_filters", None)
        original = self.original_metadata.deepcopy().as_dictionary()
        cls = RecStack if isinstance(volume, np.ndarray) else RecStack._lazy_class
        return cls(volume, axes=axes, metadata=metadata, original_metadata=original)

    def _become(self, other: Any) -> None:
        """Take over everything of another stack, for HyperSpy's methods that work in place."""
        data = other.data
        self.axes_manager = other.axes_manager
        self._metadata = other.metadata
        self.data = data
        self._source = other._source
        self.events.data_changed.trigger(obj=self)


MAKERS["TomoStack"] = TomoStack


class LazyTomoStack(TomoStack, LazySignal2D):
    """A TomoStack whose pixels are a dask array."""

    _lazy = True


for _class in (TomoStack, LazyTomoStack):
    _class._eager_class, _class._lazy_class = TomoStack, LazyTomoStack


def _fresh_axes(shape: tuple[int, ...]) -> list[dict[str, Any]]:
    return [
        {"name": name, "size": size, "scale": 1.0, "offset": 0.0, "navigate": i == 0}
        for i, (name, size) in enumerate(zip(NAMES, shape, strict=True))
    ]


def _content_of(signal: BaseSignal) -> dict[str, Any]:
    """Return what makes a TomoStack of any signal with three axes."""
    content = signal.deepcopy()._to_dictionary(add_learning_results=False)
    if content["data"].ndim == 3:
        for i, axis in enumerate(content["axes"]):
            axis["navigate"] = i == 0
    content["metadata"].setdefault("Signal", {})["signal_type"] = TomoStack._signal_type
    return content
