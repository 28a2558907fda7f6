"""Built-in parts for the slot ``context``."""
