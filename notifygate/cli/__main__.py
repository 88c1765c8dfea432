"""`python -m notifygate.cli`, the same as the installed `notifygate`."""

from notifygate.cli import main

main(prog_name="notifygate")
