"""The table of the Batch panel: rows, columns, and one series before and after."""

import numpy as np

import tomojupyter.api as tomo
from tomojupyter.batch.table import DONE, FAILED, WAITING, Row
from tomojupyter.errors import DataError
from tomojupyter.ui import BatchPanel, Dashboard
from tomojupyter.ui.panels.batch_look import figure_words, middle_of
from tomojupyter.ui.panels.batch_table import Line, ResultTable, in_order, stands_out


def test_a_failed_row_says_why_and_opens_in_load(make_batch):
    panel = make_batch()
    app = Dashboard(panel.session)
    app.show_panel("batch")
    panel = app.panels["batch"]
    panel.apply.click()
    row = panel.table.rows["s1.mrc"]
    assert "ends early" in row.why.value
    assert row.to_app in row.children
    assert row.to_app not in panel.table.rows["s0.mrc"].children
    panel.table.rows["s1.mrc"].button.click()
    assert "ends early" in panel.look.words.value
    assert panel.look.after.message == "It failed."
    row.to_app.click()
    assert app.current == "load"
    assert "s1.mrc ends early" in panel.session.message.text
    app.show_panel("batch")
    panel.table.rows["s0.mrc"].button.click()
    panel.look.to_result.click()
    assert app.current == "explore"
    assert panel.session.name == "s0.hspy"


def test_without_an_app_nothing_offers_to_open_in_it(series_folder, here, states, short):
    folder, file = series_folder(2, short, [1])
    file.rename(folder / "short.yaml")
    panel = BatchPanel(folder=folder)
    assert panel.alone
    assert panel.result is None
    panel.apply.click()
    assert states(panel) == {"s0.mrc": DONE, "s1.mrc": FAILED}
    assert (folder / "short" / "summary.html").is_file()
    row = panel.table.rows["s1.mrc"]
    assert row.why in row.children
    assert row.to_app not in row.children
    row.button.click()
    assert panel.look.to_series.layout.display == "none"


def test_columns_sort_both_ways_and_empty_cells_come_last(make_batch):
    panel = make_batch()
    panel.apply.click()
    shown = [row.button.description for row in panel.table.list.children]
    assert shown == ["s0.mrc", "s1.mrc", "s2.mrc"]
    for column in ("name", "time", "px left", "residual", "state"):
        keys = []
        for _ in range(2):
            panel.table.sorters[column].click()
            rows = [row.button.description for row in panel.table.list.children]
            keys.append([panel.table.lines[name].key(column) for name in rows])
        full = [[key for key in order if key is not None] for order in keys]
        assert full[0] == full[1][::-1]
        assert None not in [order[len(full[0]) - 1] for order in keys]
    assert panel.table.sorters["state"].description == "state ▼"
    assert panel.table.sorters["name"].description == "name"


def test_figures_of_a_row_are_those_of_the_record(make_batch):
    panel = make_batch(1, broken=())
    panel.apply.click()
    line = panel.table.lines["s0.mrc"]
    saved = tomo.load(panel.output / "s0.hspy")
    records = tomo.Recipe.of(saved).entries
    assert len(records) == 2
    assert line.row.shape == saved.data.shape
    assert line.residual == line.row.figures["reconstruct residual percent"]
    assert line.px_left == line.row.figures["stack_register median residual px"]
    assert f"{line.residual:.3g} %" in panel.table.rows["s0.mrc"].figures.value
    assert "data:image/png" in panel.table.rows["s0.mrc"].picture.value


def test_odd_figures_stand_out():
    usual = [8.0, 8.2, 8.1, 7.9, 30.0]
    assert [stands_out(v, usual) for v in usual] == [False] * 4 + [True]
    assert not stands_out(30.0, usual[3:])
    assert not stands_out(None, usual)
    rows = {
        f"{i}.mrc": Line(Row(f"{i}.mrc", DONE, figures={"reconstruct residual percent": v}))
        for i, v in enumerate(usual)
    }
    table = ResultTable(lambda _: None)
    table.show(rows)
    assert "tj-batch-odd" in table.rows["4.mrc"].figures.value
    assert "tj-batch-odd" not in table.rows["0.mrc"].figures.value


def test_failures_of_a_long_batch_are_seen_and_names_are_escaped():
    lines = {f"{i:03}.mrc": Line(Row(f"{i:03}.mrc", DONE)) for i in range(120)}
    lines["119.mrc"] = Line(Row("119.mrc", FAILED, remarks=["<b> is no number"]))
    table = ResultTable(lambda _: None)
    table.show(lines)
    assert table.list.children[0].button.description == "119.mrc"
    assert len(table.list.children) == 100
    assert "20 more" in table.more.value
    assert "&lt;b&gt; is no number" in table.rows["119.mrc"].why.value
    assert in_order(lines.values(), "name", True)[0].row.series == "119.mrc"


def test_only_rows_that_changed_are_drawn_again(monkeypatch):
    table = ResultTable(lambda _: None)
    lines = {name: Line(Row(name, WAITING)) for name in ("a", "b")}
    table.show(lines)
    drawn = []
    for name, row in table.rows.items():
        monkeypatch.setattr(row, "show", lambda *_, name=name: drawn.append(name))
    table.show(lines | {"b": Line(Row("b", WAITING), "begun")})
    assert drawn == ["b"]
    table = ResultTable(lambda _: None)
    table.show({"b": Line(Row("b", WAITING), "6/20")})
    assert 'title="6 of 20 in its step"' in table.rows["b"].figures.value


def test_a_look_reads_one_image(tmp_path, made_series):
    made_series.save(tmp_path / "series.hspy")
    image, name, pixel = middle_of(tmp_path / "series.hspy")
    np.testing.assert_array_equal(image, made_series.data[6])
    assert name == "0.0°  #6"
    assert pixel is None or pixel > 0


def test_figures_have_words_and_units():
    assert figure_words("tilt_align shift px", 1.4321) == ("Tilt axis: shift", "1.43 px")
    assert figure_words("tilt_align angle deg", -0.5) == ("Tilt axis: angle", "−0.5°")
    assert figure_words("reconstruct residual percent", 12.0) == ("Reconstruct: residual", "12 %")
    assert figure_words("stack_register start", 6) == ("Register: start", "6")


def test_a_failed_look_at_a_series_is_a_sentence(make_batch, monkeypatch):
    panel = make_batch()

    def fail(*_):
        raise DataError("the disk is gone")

    monkeypatch.setattr(panel.look, "show", fail)
    panel.table.rows["s0.mrc"].button.click()
    assert panel.session.message.text == "The disk is gone."
