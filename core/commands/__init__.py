"""What the command line does, as functions that return values; ``cli.py`` parses and prints."""
