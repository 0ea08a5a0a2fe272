"""Pages of the desk itself, split by subject."""
