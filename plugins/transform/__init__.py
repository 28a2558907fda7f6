"""Built-in parts for the slot ``transform``."""
