"""Single images and series of images: filters, backgrounds, brightness, bad frames."""
