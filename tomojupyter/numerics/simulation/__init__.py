"""Specimens whose projections are known, and what goes wrong when they are recorded."""
