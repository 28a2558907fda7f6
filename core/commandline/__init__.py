"""The commands as people type them: options and what is printed. ``cli.py`` joins them to ``plic``."""
