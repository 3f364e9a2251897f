"""Spectra at every pixel and tilt: shapes of lines, maps, decomposition, joint reconstruction."""
