"""Built-in parts for the slot ``head``."""
