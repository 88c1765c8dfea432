"""The gunicorn worker and master. They know connections, bytes and holds, not Flask."""
