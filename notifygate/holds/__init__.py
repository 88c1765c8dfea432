"""Holds: requests kept open until there is something to say. Nothing here reads the database."""
