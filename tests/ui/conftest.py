"""A small drifting series, and a session whose jobs run at once."""

import copy

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.session import Session
from tomojupyter.ui.store import Store
from tomojupyter.ui.warm import Warmth


@pytest.fixture(autouse=True)
def _no_import_in_the_background(monkeypatch):
    monkeypatch.setattr(Warmth, "begin", lambda *_: None)


@pytest.fixture(scope="session")
def made_stack():
    return tomo.datasets.get_catalyst_data(
        misalign=True, size=32, tilts=np.arange(-60, 61, 10.0), noise=True
    )


@pytest.fixture
def stack(made_stack):
    return copy.deepcopy(made_stack)


@pytest.fixture
def session(stack, tmp_path):
    return Session(stack, "catalyst", executor=Inline(), folder=tmp_path)


@pytest.fixture
def empty(tmp_path):
    return Session(executor=Inline(), folder=tmp_path)


@pytest.fixture
def folder(stack, tmp_path):
    stack.save(tmp_path / "series.hspy")
    return tmp_path


@pytest.fixture
def begin(folder):
    """Return an opener of pages on the folder; what is open is closed at the end."""
    opened = []

    def start():
        session = Session(executor=Inline(), folder=folder)
        session.keep_in(Store(folder))
        opened.append(session)
        return session

    yield start
    for session in opened:
        session.start_new()
