"""``python -m plic``."""

from .cli import main

main(prog_name="plic")
