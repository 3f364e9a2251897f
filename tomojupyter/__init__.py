"""Electron tomography in Jupyter: a HyperSpy extension, an app and batch runs."""

from importlib.metadata import version

__version__ = version("tomojupyter")
