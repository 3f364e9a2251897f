"""Projectors and the algorithms that reconstruct volumes with them."""
