"""Built-in parts for the slot ``refiner``."""
