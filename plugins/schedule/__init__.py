"""Built-in parts for the slot ``schedule``."""
