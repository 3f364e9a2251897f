import asyncio

import ipywidgets as widgets
import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.steps import make_step
from tomojupyter.steps.words import step_call, step_words
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels import STAGES, TOOLS
from tomojupyter.ui.records import record_html
from tomojupyter.ui.session import Session


class Register(OperationPanel):
    panel = "register"
    title = "Register"
    purpose = "Take out the drift."
    hint = "take out the drift"
    operations = ("stack_register",)

    def build(self):
        self.shown = 0
        self.picture = widgets.HTML()
        return [self.picture]

    def show(self):
        self.shown += 1
        self.picture.value = "" if self.session.signal is None else "there"

    def cautions(self):
        return ["one < two"] if self.session.signal.data.shape[0] < 20 else []


class Manual(OperationPanel):
    panel = "tiltaxis"
    title = "Tilt axis"
    operations = ("tilt_align",)
    methods = ("manual",)


class Volume(OperationPanel):
    panel = "explore"
    needs = "RecStack"


def test_alone_it_does_what_the_method_does(stack, timeless):
    panel = Register(stack)
    assert panel.result is None
    panel.controls["start"].value = 4
    panel.apply.click()
    expected = stack.stack_register("PC", start=4)
    np.testing.assert_array_equal(panel.result.data, expected.data)
    assert timeless(panel.result) == timeless(expected)


def test_alone_it_has_a_status_line_height_and_style(stack):
    panel = Register(stack, height=480)
    assert panel.layout.height == "480px"
    assert {"tj-alone", "tj-panel", "tj-panel-register"} <= set(panel._dom_classes)
    panel.apply.click()
    assert "PC took" in panel.status.message.value


def test_part_of_an_app_it_shares_the_session(session):
    panel = Register(session)
    assert "tj-alone" not in panel._dom_classes
    panel.activate()
    panel.apply.click()
    assert panel.result is session.signal
    session.undo()
    assert panel.result is None


def test_unseen_panel_does_no_work(session):
    panel = Register(session)
    session.apply(make_step("trim", "crop", left=1))
    assert panel.shown == 0
    panel.activate()
    assert panel.shown == 1
    panel.activate(False)
    panel.activate()
    assert panel.shown == 1


def test_record_line_shows_what_auto_becomes(stack):
    panel = Register(stack)
    assert "start: auto → 6" in panel.record.value
    panel.controls["start"].value = 3
    assert "{start: 3}" in panel.record.value
    assert "tj-register-record" in panel.record._dom_classes


def test_blocker_of_a_bad_value_stops_apply_and_goes_away(stack):
    panel = Register(stack)
    panel.controls["start"].value = 99
    assert panel.apply.disabled
    assert "count from 0 to 12" in panel.messages.value
    panel.controls["start"].value = None
    assert not panel.apply.disabled


def test_cautions_are_escaped_and_do_not_stop(stack):
    panel = Register(stack)
    assert "One &lt; two" in panel.messages.value
    assert not panel.apply.disabled


def test_without_a_series_it_says_where_to_get_one(empty):
    opened = []
    panel = Register(empty)
    panel.go_to_stage = opened.append
    panel.activate()
    assert "Load a series first." in panel.messages.value
    assert panel.apply.disabled
    assert panel.link.layout.display == ""
    panel.link.click()
    assert opened == ["load"]


def test_without_a_volume_it_says_so(session):
    panel = Volume(session)
    panel.activate()
    assert "Reconstruct first" in panel.messages.value
    session.apply(make_step("reconstruct", "FBP"))
    assert "Reconstruct first" not in panel.messages.value


def test_reset_sets_defaults(stack):
    panel = Manual(stack)
    panel.controls["shift"].value = 3.5
    panel.reset.click()
    assert panel.controls["shift"].value == 0.0


def test_human_decision_becomes_numbers(stack, timeless):
    panel = Manual(stack)
    panel.controls["shift"].value = 1.5
    panel.controls["angle"].value = -1.25
    panel.apply.click()
    expected = stack.tilt_align("manual", shift=1.5, angle=-1.25)
    np.testing.assert_array_equal(panel.result.data, expected.data)
    assert timeless(panel.result) == timeless(expected)


def test_error_in_a_view_is_a_sentence(stack):
    class Broken(Register):
        def show(self):
            raise RuntimeError("inner")

    panel = Broken(stack)
    assert panel.session.message.kind == "error"
    assert "inner" not in panel.status.message.value


def test_error_of_a_job_is_an_alert_and_keeps_the_form(session):
    panel = Register(session)
    panel.activate()
    session.signal.set_tilts("list", tilts=range(13))
    panel.controls["upsample_factor"].value = 7
    session.start("PC", lambda _m: tomo.load("nowhere.mrc"), lambda _r: None)
    assert session.message.kind == "error"
    assert panel.controls["upsample_factor"].value == 7


def test_many_calls_soon_are_one(stack):
    calls = []

    async def scene():
        panel = Register(Session(stack, executor=Inline()))
        for i in range(5):
            panel.soon(lambda i=i: calls.append(i))
        await asyncio.sleep(0.3)

    asyncio.run(scene())
    assert calls == [4]


def test_in_a_loop_apply_works_in_a_thread_and_shows_the_result(stack):
    async def scene():
        session = Session(stack)
        panel = Register(session)
        panel.activate()
        panel.apply.click()
        assert session.executor.busy
        panel.apply.click()
        busy = session.message.text
        for _ in range(400):
            if session.job is None:
                break
            await asyncio.sleep(0.05)
        return panel, busy

    panel, busy = asyncio.run(scene())
    assert busy.startswith("PC is running")
    assert panel.result is not None
    assert panel.shown == 2


@pytest.mark.parametrize(
    ("step", "words", "call"),
    [
        (
            make_step("filter", "median", size=3),
            "filter median {size: 3}",
            'stack = stack.filter("median", size=3)',
        ),
        (
            make_step("reconstruct", "SIRT", iterations=28, constrain=True),
            "reconstruct SIRT {iterations: 28, constrain: true}",
            'stack = stack.reconstruct("SIRT", iterations=28, constrain=True)',
        ),
        (
            make_step("tilt_align", "manual", shift=3.4),
            "tilt_align manual {shift: 3.4, angle: 0}",
            'stack = stack.tilt_align("manual", shift=3.4)',
        ),
    ],
)
def test_steps_in_words(step, words, call):
    assert step_words(step) == words
    assert step_call(step) == call


def test_record_line_escapes():
    html = record_html([(make_step("set_scale", "pixel", size=1.0, units="<b>"), None)])
    assert "<b>}" not in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("kind", [*STAGES, *TOOLS], ids=lambda kind: kind.__name__)
def test_every_panel_can_be_the_output_of_a_cell(kind, stack):
    """A cell asks for this, and so for a text; a name that ipywidgets uses would break it."""
    panel = kind(stack)
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()
