"""Built-in parts for the slot ``rate``."""
