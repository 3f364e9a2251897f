"""What is done to volumes and measured in them."""
