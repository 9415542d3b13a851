"""`python -m panel.cli`."""

from panel.cli import main

main(prog_name="autossl")
