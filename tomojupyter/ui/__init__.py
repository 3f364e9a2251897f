"""The panels and the app."""
