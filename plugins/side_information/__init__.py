"""Built-in parts for the slot ``side_information``."""
