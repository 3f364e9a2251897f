"""Times that are told: whatever is typed, a trial ends soon and never in the page's own thread."""

import asyncio
import math
import time

import pytest

from tomojupyter.steps import estimate, make_step
from tomojupyter.ui.panels.reconstruct_time import Times


@pytest.mark.parametrize(
    ("method", "values"),
    [("TNV", {"refinements": 10**8}), ("DART", {"gray_levels": (0, 1), "dart_iterations": 10**8})],
)
def test_a_trial_of_far_too_much_ends_and_tells_that_it_is_much(stack, monkeypatch, method, values):
    monkeypatch.setattr(estimate, "LONGEST_S", 0.2)
    begun = time.monotonic()
    seconds = estimate.estimated(stack, make_step("reconstruct", method, **values)).seconds
    assert time.monotonic() - begun < 60
    assert 0.2 < seconds < math.inf


def test_other_values_are_tried_in_the_thread_too(stack):
    async def look():
        told = asyncio.Event()
        times = Times(told.set)
        first, other = (make_step("reconstruct", "TV", weight=w, iterations=2) for w in (0.1, 0.2))
        times.estimate(("key",), stack, first, 1, busy=False)
        await asyncio.wait_for(told.wait(), 60)
        assert times.estimate(("key",), stack, first.replace(iterations=9), 1, busy=False) > 0
        told.clear()
        assert times.estimate(("key",), stack, other, 1, busy=False) is None
        await asyncio.wait_for(told.wait(), 60)
        return times.estimate(("key",), stack, other, 1, busy=False)

    assert asyncio.run(look()) > 0
