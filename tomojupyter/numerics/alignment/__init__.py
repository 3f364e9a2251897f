"""Where each image lies: registration, the direction and the place of the tilt axis."""
