"""notifygate: notifications over plain HTTP polls, for networks where sockets don't work."""

__version__ = "0.1.0"
