"""Built-in parts for the slot ``quantizer``."""
