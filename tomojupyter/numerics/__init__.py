"""The mathematics: NumPy arrays in, NumPy arrays out; no signals, no plots, no widgets."""
