"""notifygate: notifications over plain HTTP polls, for networks where sockets don't work."""

__version__ = "0.2.0.dev0"
"""The only place of the version: pyproject.toml reads it here, and `make release-check` compares the others."""
