from __future__ import annotations

import asyncio
import math
from xml.etree import ElementTree

import numpy as np
import pytest

from tomojupyter.errors import DataError
from tomojupyter.ui.views.convergence import ConvergenceView
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.plot_svg import Axes, Mark, draw, limits, log_ticks, ticks
from tomojupyter.ui.views.texts import number_text, tilt_text


def drawn(curve):
    return "".join(ElementTree.fromstring(curve.svg).itertext())


@pytest.mark.parametrize(
    ("lo", "hi", "most", "wanted"),
    [
        (1, 100, 6, [1, 3, 10, 30, 100]),
        (5, 100, 6, [5, 10, 20, 50, 100]),
        (0.9, 11, 6, [1, 2, 5, 10]),
        (1e-6, 1e3, 4, [1e-6, 1e-3, 1, 1e3]),
        (11, 19, 6, [12, 14, 16, 18]),
    ],
)
def test_log_ticks_are_round_and_few(lo, hi, most, wanted):
    assert log_ticks(lo, hi, most) == pytest.approx(wanted)


@pytest.mark.parametrize("hi", [1.0, 3.0, 7.7, 12345.0, 1e-5])
def test_ticks_are_round_few_and_inside(hi):
    values = ticks(-hi, hi, 6)
    assert 2 <= len(values) <= 6
    assert 0 in values
    assert min(values) >= -hi
    assert max(values) <= hi


def test_limits_leave_out_what_cannot_be_drawn():
    lo, hi = limits([np.array([0.0, -3, np.nan, 10, 1000])], log=True)
    assert 0 < lo < 10
    assert hi > 1000
    assert limits([]) == (0.0, 1.0)
    assert limits([np.array([4.0])]) == (3.5, 4.5)


def test_places_on_paper_and_back():
    axes = Axes(400, 200, (0, 50), (1, 100), log_y=True)
    assert axes.from_px(axes.to_x(20), axes.to_y(10)) == pytest.approx((20, 10), rel=1e-2)
    assert math.isnan(axes.to_y(-1))


def test_a_curve_is_valid_svg_with_its_names_and_gaps():
    curve = Curve("Shift", "tilt (°)", "shift <px>")
    curve.set("x & y", [0, 1, 2, 3], [1, np.nan, 3, 4], style="both")
    curve.set("z", [0, 3], [2, 2])
    curve.mark("here", "x", 2, text="you")
    curve.mark("best", "star", 1, 3)
    text = drawn(curve)
    assert "shift <px>" in text
    assert "x & y" in text
    assert "you" in text
    assert "nan" not in curve.svg
    curve.unmark("here")
    assert "you" not in drawn(curve)
    curve.remove("z")
    assert "x & y" not in drawn(curve)


def test_bars_begin_at_zero():
    curve = Curve()
    curve.set("b", [1, 2, 3], [10, 11, 12], style="bars")
    assert curve._axes.y[0] == 0


def test_a_click_comes_back_in_the_units_of_the_axes():
    curve, heard = Curve(), []
    curve.set("a", [0, 10], [0, 5])
    curve.on_click(lambda x, y: heard.append((x, y)))
    curve.on_drag(lambda *drag: heard.append(drag[2]))
    place = {"px": curve._axes.to_x(7), "py": curve._axes.to_y(2)}
    curve._receive(curve, {"type": "click", **place}, [])
    curve._receive(curve, {"type": "drag", "done": True, **place}, [])
    assert heard[0] == pytest.approx((7, 2), abs=0.05)
    assert heard[1] is True
    assert curve.clickable
    assert curve.nearest("a", 8) == 1


def test_wrong_series_and_marks_are_said():
    curve = Curve()
    with pytest.raises(DataError, match="2 x values but 3 y values"):
        curve.set("a", [1, 2], [1, 2, 3])
    with pytest.raises(DataError, match="style"):
        curve.set("a", [1], [1], style="jagged")
    with pytest.raises(DataError, match="kind"):
        curve.mark("a", "blob")


def test_a_dashed_band_is_hatched_and_stays_within_the_axes():
    curve = Curve("spectrum", height="120px")
    curve.set("a", [0.0, 10.0], [1.0, 2.0])
    curve.x_limits = (0.0, 10.0)
    curve.mark("window", "band", 8.0, x1=14.0, color="#009E73")
    curve.mark("beside", "band", 2.0, x1=3.0, color="#E69F00", dash=True)
    svg = ElementTree.fromstring(curve.svg)
    right = curve._axes.width - curve._axes.right
    (filled,) = (r for r in svg.iter() if r.get("fill") == "#009E73")
    assert float(filled.get("x")) + float(filled.get("width")) == pytest.approx(right, abs=0.2)
    (hatched,) = (p for p in svg.iter() if p.get("stroke") == "#E69F00")
    assert hatched.get("d").count("L") > 3


def test_many_points_in_a_moment_are_drawn_once():
    async def fast():
        view = ConvergenceView()
        view.reset(50)
        before, drawings = view.svg, []
        view.observe(lambda change: drawings.append(change["new"]), "svg")
        for k in range(1, 51):
            view.add(k, 100 / k)
        assert view.svg == before
        await asyncio.sleep(0.3)
        return drawings

    assert len(asyncio.run(fast())) == 1


def test_convergence_is_in_percent_of_the_start():
    view = ConvergenceView()
    view.reset(20, start=200.0)
    for k in range(1, 6):
        view.add(k, 200 / k)
    series = view.series["whole volume"]
    np.testing.assert_allclose(series.x, [1, 2, 3, 4, 5])
    np.testing.assert_allclose(series.y, [100, 50, 100 / 3, 25, 20])
    assert view.percent == 20
    assert view.x_limits == (0, 20)
    assert view.marks["now"].y == 20


def test_convergence_without_a_start_takes_the_first_residual():
    view = ConvergenceView()
    view.reset(5)
    assert math.isnan(view.percent)
    view.add(1, 40.0)
    view.add(2, 10.0)
    view.add(3, math.nan)
    np.testing.assert_allclose(view.series["whole volume"].y, [100, 25, np.nan])
    view.add(9, 4.0)
    assert view.x_limits == (0, 9)


def test_convergence_keeps_the_test_slice_in_grey_and_the_noise_floor():
    view = ConvergenceView()
    view.reset(10, name="test slice", start=1)
    view.add(1, 0.5)
    view.noise_floor(6.3)
    view.reset(20, start=1, keep=True)
    view.add(1, 0.6)
    assert view.series["test slice"].y[0] == 50
    assert view.series["test slice"].color != view.series["whole volume"].color
    assert "noise floor" in drawn(view)
    view.reset(20)
    assert set(view.series) == set()
    assert "floor" in view.marks
    view.noise_floor(None)
    assert view.marks == {}
    with pytest.raises(DataError, match="at least 1 iteration"):
        view.reset(0)


def test_numbers_are_written_as_in_the_app():
    assert tilt_text(-0.04) == "0.0°"
    assert tilt_text(-26) == "−26.0°"
    assert number_text(12345.678, 4) == "12\u2009346"
    assert number_text(-0.5) == "−0.5"
    assert number_text(1.5e-7) == "1.50e−07"
    assert number_text(math.nan) == "–"


def test_bars_of_zeros_stand_on_the_axis():
    curve = Curve("Movement")
    curve.set("movement", np.arange(3.0), np.zeros(3), style="bars")
    curve.redraw()
    assert curve._axes.y[0] == 0
    curve.set("movement", np.arange(3.0), np.array([1.0, -2.0, 3.0]), style="bars")
    curve.redraw()
    assert curve._axes.y[0] < -2


@pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("width", [250, 320, 640])
def test_texts_of_marks_stay_beside_the_axes(width, at):
    axes = Axes(width, 120, (0, 1), (0, 1))
    words = "you are at the best, 0.1 px"
    svg = ElementTree.fromstring(draw(axes, [], [Mark("star", at, 1, text=words)]))
    text = next(e for e in svg.iter() if e.text == words)
    left = float(text.get("x"))
    left -= 6.2 * len(words) if text.get("text-anchor") == "end" else 0
    assert left >= axes.left - 4
    assert left + 6.2 * len(words) <= width - axes.right + 6
