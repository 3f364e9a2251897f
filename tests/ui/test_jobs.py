import asyncio
import threading
import time
import warnings

import numpy as np
import pytest

from tomojupyter.errors import Cancelled, TomojupyterWarning
from tomojupyter.ui.jobs import Inline, JobMonitor, Report, Worker


def collect(executor, work):
    reports, results = [], []
    executor.submit(work, reports.append, results.append)
    return reports, results


def test_inline_runs_at_once_and_hands_the_value_on():
    def work(monitor):
        monitor(1, 2, residual=3.0)
        return "made"

    reports, results = collect(Inline(), work)
    assert results[0].value == "made"
    assert results[0].error is None
    assert [(r.done, r.total) for r in reports] == [(1, 2)]


def test_error_becomes_part_of_the_result_and_frees_the_executor():
    executor = Inline()
    _, results = collect(executor, lambda _monitor: 1 / 0)
    assert isinstance(results[0].error, ZeroDivisionError)
    assert not executor.busy


def test_our_warnings_are_collected_as_sentences_others_are_logged(caplog):
    def work(_monitor):
        warnings.warn("3 pixels are NaN", TomojupyterWarning, stacklevel=1)
        return 1

    _, results = collect(Inline(), work)
    assert results[0].warnings == ["3 pixels are NaN"]
    assert results[0].value == 1


def test_cancel_raises_in_the_work():
    monitor = JobMonitor(lambda: None)
    monitor(1, 3)
    monitor.cancel()
    with pytest.raises(Cancelled):
        monitor(2, 3)


def test_cancel_while_reporting_ends_the_inline_job():
    executor = Inline()
    seen, results = [], []

    def work(monitor):
        for i in range(5):
            monitor(i, 5)
        return "whole"

    def report(latest):
        seen.append(latest.done)
        if latest.done == 2:
            executor.cancel()

    executor.submit(work, report, results.append)
    assert isinstance(results[0].error, Cancelled)
    assert seen == [0, 1, 2]


def test_finish_keeps_what_is_there():
    executor = Inline()

    def work(monitor):
        for i in range(1, 9):
            monitor(i, 8)
            if monitor.finish_early:
                return i
        return 8

    results = []
    executor.submit(work, lambda r: r.done == 3 and executor.finish(), results.append)
    assert results[0].value == 3


def test_series_keep_every_number_and_values_the_latest():
    monitor = JobMonitor(lambda: None)
    for i in range(1, 4):
        monitor(i, 3, residual=np.float32(10 / i), volume=np.full(2, i))
        monitor(i, 3)
    report = monitor.report()
    assert [done for done, _ in report.series["residual"]] == [1, 2, 3]
    assert report.series["residual"][1][1] == pytest.approx(5.0)
    assert "volume" not in report.series
    np.testing.assert_array_equal(report.values["volume"], [3, 3])


def test_seconds_left_is_in_proportion():
    assert Report(10, 40, 5.0).seconds_left == pytest.approx(15.0)
    assert Report(0, 40, 5.0).seconds_left is None
    assert Report(1, 40, 0.1).seconds_left is None


def test_worker_without_a_loop_runs_at_once():
    _, results = collect(Worker(), lambda _monitor: threading.current_thread())
    assert results[0].value is threading.main_thread()


def test_worker_reports_in_the_loop_throttled_and_works_in_a_thread():
    main = threading.current_thread()
    seen, results = [], []

    async def scene():
        executor, done = Worker(), asyncio.Event()

        def work(monitor):
            for i in range(1, 301):
                monitor(i, 300)
                time.sleep(0.001)
            return threading.current_thread()

        def report(latest):
            seen.append((latest.done, threading.current_thread()))

        def ended(result):
            results.append((result, threading.current_thread()))
            done.set()

        executor.submit(work, report, ended)
        assert executor.busy
        await asyncio.wait_for(done.wait(), 30)
        assert not executor.busy
        await asyncio.sleep(0.2)

    asyncio.run(scene())
    result, thread = results[0]
    assert len(results) == 1
    assert result.value is not main
    assert thread is main
    assert {t for _, t in seen} == {main}
    assert 1 <= len(seen) < 30
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)


def test_worker_stops_within_a_report():
    async def scene():
        executor, done, results = Worker(), asyncio.Event(), []

        def work(monitor):
            for i in range(10_000):
                monitor(i, 10_000)
                time.sleep(0.002)

        executor.submit(work, lambda _r: None, lambda r: (results.append(r), done.set()))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        executor.cancel()
        await asyncio.wait_for(done.wait(), 10)
        return results[0], time.monotonic() - started

    result, took = asyncio.run(scene())
    assert isinstance(result.error, Cancelled)
    assert took < 1.0
