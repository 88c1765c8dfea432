"""The fast path: plain requests answered in the hub, without gunicorn's parser, WSGI and Flask.

The pipeline and the endpoints are those of all transports. This package makes them fast: holds without a greenlet, one
template for a broadcast, and 304s that revalidate themselves.
"""
