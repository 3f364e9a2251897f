"""Spectra to 3D: maps, decomposition, and the reconstruction of all of them together."""
