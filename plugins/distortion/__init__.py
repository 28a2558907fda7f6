"""Built-in parts for the slot ``distortion``."""
