"""The desk: plain requests, answered before gunicorn's parser and Flask see them (docs/architecture.md)."""
