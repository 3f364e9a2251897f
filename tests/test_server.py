"""What the app is served with; no server is started here."""

import os
import socket

import pytest
from voila.configuration import VoilaConfiguration
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler

from tomojupyter import datasets, server
from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.paths import voila_templates


@pytest.fixture
def launched(monkeypatch, tmp_path):
    """Voila's command lines, in place of servers."""
    lines = []

    def launch(argv):
        lines.append(argv)

    monkeypatch.setattr(server._Server, "launch_instance", launch)
    monkeypatch.setenv(datasets.DATA_DIR, str(tmp_path))
    return lines


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind((server.ADDRESS, 0))
        listener.listen()
        yield listener.getsockname()[1]


def settings(line):
    assert all(argument.startswith("--") for argument in line[1:])
    return dict(argument.removeprefix("--").split("=", 1) for argument in line[1:])


def test_only_this_machine_with_the_token_and_our_page(launched, tmp_path, capsys):
    server.serve(data_dir=tmp_path, token="secret", browser=False)
    (line,) = launched
    assert line[0].endswith("tomography.ipynb")
    config = settings(line)
    assert config["Voila.ip"] == "127.0.0.1"
    assert config["Voila.token"] == "secret"
    assert config["Voila.open_browser"] == "False"
    assert config["VoilaConfiguration.show_tracebacks"] == "False"
    assert config["MappingKernelManager.cull_idle_timeout"] == "3600"
    port = int(config["Voila.port"])
    shown = capsys.readouterr().out
    assert f"http://127.0.0.1:{port}/?token=secret\n" in shown
    assert f"Data folder: {tmp_path.resolve()}\n" in shown
    assert datasets.data_dir() == tmp_path.resolve()


def test_the_dashboard_of_spectra_is_served(launched, tmp_path):
    server.serve("spectral", data_dir=tmp_path, browser=False)
    assert launched[0][0].endswith("spectral.ipynb")


def test_the_current_folder_and_a_new_token_by_default(launched, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server.serve()
    server.serve()
    first, second = (settings(line)["Voila.token"] for line in launched)
    assert first != second
    assert len(first) >= 32
    assert datasets.data_dir() == tmp_path.resolve()


def test_a_taken_port_is_a_sentence_or_passed_over(launched, taken, monkeypatch):
    with pytest.raises(ParameterError, match=f"port {taken} is taken: choose another with --port"):
        server.serve(port=taken)
    assert launched == []
    monkeypatch.setattr(server, "FIRST_PORT", taken)
    server.serve()
    assert int(settings(launched[0])["Voila.port"]) > taken
    monkeypatch.setattr(server, "PORTS", 1)
    with pytest.raises(ParameterError, match=f"port {taken} to {taken} is taken"):
        server.serve()


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_numbers_that_are_no_ports_are_refused(port):
    with pytest.raises(ParameterError, match=f"port must be from 1 to 65535, got {port}"):
        server.serve(port=port)


def test_an_empty_token_is_refused(launched):
    with pytest.raises(ParameterError, match="token must not be empty: anybody on this machine"):
        server.serve(token="")
    assert launched == []


def test_missing_folders_and_apps_are_sentences(launched, tmp_path):
    before = os.environ[datasets.DATA_DIR]
    with pytest.raises(MissingFileError, match="gone: there is no such data folder"):
        server.serve(data_dir=tmp_path / "gone")
    with pytest.raises(MissingFileError, match="there is no app called tomografy"):
        server.serve("tomografy", data_dir=tmp_path)
    assert launched == []
    assert os.environ[datasets.DATA_DIR] == before


def test_our_page_comes_before_voilas():
    instance = server._Server()
    instance.voila_configuration = VoilaConfiguration(template="lab")
    instance.setup_template_dirs()
    assert instance.template_paths[0] == str(voila_templates() / "tomojupyter")
    assert (voila_templates() / "tomojupyter" / "index.html.j2").is_file()


def test_page_that_goes_away_may_end_its_kernel(monkeypatch):
    given = [("/a", object), ("/shutdown", VoilaShutdownKernelHandler), ("/b", object, {"c": 1})]
    monkeypatch.setattr(server.Voila, "init_handlers", lambda _self: given)
    handlers = server._Server().init_handlers()
    assert handlers == [given[0], ("/shutdown", server._Goodbye), given[2]]
