"""The gunicorn worker. It knows holds and bytes, not Flask."""
