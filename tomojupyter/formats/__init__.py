"""Bytes to arrays and dictionaries and back; knows nothing of signals."""
