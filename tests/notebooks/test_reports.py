"""Every template runs by papermill on a small phantom and becomes a page, and one a PDF."""

import json
import re
import warnings

import nbformat
import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.__main__ import main
from tomojupyter.batch import notebooks
from tomojupyter.batch.report import make_report
from tomojupyter.commands.report import values_of
from tomojupyter.errors import MissingFileError, ParameterError, UnknownParameterError
from tomojupyter.paths import template_names

SMALL = {
    "quick_look": (4, ["projections", "drift along y", "blank"], {"size": 16}),
    "alignments": (4, ["residual (%)", "registration"],
                   {"registrations": ["PC", "none"], "axes": ["none", "CoM"], "iterations": 2}),
    "sweep": (4, ["roughness (%)", "iterations"],
              {"methods": {"FBP": {}, "SIRT": {"iterations": [1, 3]}}, "tv_weights": []}),
    "spectral": (13, ["share of the volume (%)", "Ni_Ka", "stand out of the noise"],
                 {"lines": ["Si_Ka", "Cr_Ka", "Ni_Ka"], "registration": "COM-CL", "axis": "CoM",
                  "iterations": 5}),
    "report": (2, ["checksum of the source", "numpy"], {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A series, a volume of it, and a series of spectrum images."""
    folder = tmp_path_factory.mktemp("files")
    stack = tomo.datasets.get_catalyst_data(size=32, tilts=np.arange(-60, 61, 20), misalign=True)
    volume = stack.reconstruct("SIRT", 2, show_progressbar=False)
    volume.save(folder / "volume.hspy")
    stack.data[1] = 0  # a frame to look at
    stack.save(folder / "series.hspy")
    made = tomo.datasets.get_simulated_edx_data(
        size=16, tilts=np.arange(-60, 61, 20), counts=60, channels=128, channel_width=0.08, seed=4
    )
    made.edx.save(folder / "edx.hspy")
    made.haadf.save(folder / "haadf.hspy")
    return {"report": folder / "volume.hspy", "spectral": folder / "edx.hspy"} | dict.fromkeys(
        ("quick_look", "alignments", "sweep"), folder / "series.hspy"
    )


def quietly(function, *arguments, **keywords):
    with warnings.catch_warnings():
        # papermill and its client warn about themselves; what counts here runs in the kernel.
        warnings.simplefilter("ignore")
        return function(*arguments, **keywords)


@pytest.mark.parametrize("name", SMALL)
def test_a_template_becomes_a_page_with_figures_and_a_table_at_the_end(name, files, tmp_path):
    pictures, words, values = SMALL[name]
    if name == "spectral":
        values = {**values, "images": str(files[name].with_name("haadf.hspy"))}
    pdf = name == "report" and notebooks.find_browser() is not None
    page, notebook, *printed = quietly(
        make_report, files[name], tmp_path / "page.html", template=name, parameters=values, pdf=pdf
    )
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = json.dumps([cell.get("outputs", []) for cell in cells])
    assert ('"stderr"' in outputs) == (name not in ("report", "spectral"))  # of the blank frame
    streams = [o for cell in cells for o in cell.get("outputs", []) if o.get("name") == "stderr"]
    assert all("TomojupyterWarning" in stream["text"] for stream in streams)
    assert outputs.count('"image/png"') >= pictures
    last = json.dumps(cells[-1]["outputs"])
    text = page.read_text(encoding="utf-8")
    summary = text[text.index("Summary") :]
    assert "|---|" in last
    assert "<table>" in summary
    assert [w for w in words if w not in summary] == []
    assert text.count("<img") == outputs.count('"image/png"')
    # It needs no network, and shows no code unless asked to.
    assert not re.search(r'<(?:script|link)|src="http', text)
    assert "tomo.load" not in text
    assert all(path.read_bytes()[:5] == b"%PDF-" for path in printed)
    assert len(printed) == pdf


def test_all_templates_are_tested_and_have_documented_parameters():
    # The recipe's notebook has tests of its own.
    assert set(template_names()) == {*SMALL, "reconstruct"}
    for name in template_names():
        helps = notebooks.parameters_of(name)
        assert "input" in helps
        assert [key for key, text in helps.items() if not text] == []


def test_bad_wishes_are_sentences_before_any_work(files, tmp_path, capsys):
    source = files["report"]
    page = tmp_path / "page.html"
    with pytest.raises(ParameterError, match=r"repotr: not a template .* did you mean report\?"):
        make_report(source, page, template="repotr")
    with pytest.raises(UnknownParameterError, match=r"treshold: not a parameter of the template"):
        make_report(source, page, parameters={"treshold": 1})
    with pytest.raises(MissingFileError, match=r"gone\.mrc: there is no such file"):
        make_report(tmp_path / "gone.mrc")
    with pytest.raises(MissingFileError, match="no such folder to write to"):
        make_report(source, tmp_path / "no" / "page.html")
    with pytest.raises(ParameterError, match=r"page\.pdf: a report is written as \.html"):
        make_report(source, tmp_path / "page.pdf")
    page.write_text("mine", encoding="utf-8")
    assert main(["report", str(source), str(page)]) == 2
    assert "page.html is there already" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "mine"


def test_values_on_the_command_line_are_yaml(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("1", encoding="utf-8")
    given = [["methods", "{FBP: {}}"], ["size", "64"], ["tilts", "a.txt"], ["axes", "[CoM, none]"]]
    assert values_of(given) == {
        "methods": {"FBP": {}}, "size": 64, "tilts": str(tmp_path / "a.txt"),
        "axes": ["CoM", "none"],
    }  # fmt: skip
    with pytest.raises(ParameterError, match="is not a value as in YAML"):
        values_of([["size", "{"]])


def test_without_a_browser_there_is_a_page_and_a_sentence(tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("<p>x</p>", encoding="utf-8")
    monkeypatch.setattr(notebooks, "BROWSERS", ())
    with pytest.raises(ParameterError, match=r"a PDF needs Chromium .* with any browser"):
        notebooks.to_pdf(page, tmp_path / "page.pdf")
    with pytest.raises(ParameterError, match=r"false did not print page\.html"):
        notebooks.to_pdf(page, tmp_path / "page.pdf", browser="false")
    with pytest.raises(MissingFileError, match="ended without having printed"):
        notebooks.to_pdf(page, tmp_path / "page.pdf", browser="true")
