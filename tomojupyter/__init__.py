"""Electron tomography in Jupyter: a HyperSpy extension, an app and batch runs."""
