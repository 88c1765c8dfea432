"""The WSGI entry point: `gunicorn wsgi:app`. gunicorn.conf.py has the configuration."""

import sys

from notifygate.app import create_app
from notifygate.endpoints import FAST_ENDPOINTS
from notifygate.errors import NotifygateError, UnavailableError
from notifygate.fastpath.fast_path import FastPath
from notifygate.server.handler import register_handler
from notifygate.services import EXTENSION

APP_LOAD_ERROR = 4
"""gunicorn's code for "don't try again": with any other it would start worker after worker. The first worker's ends the
gateway (`notifygate.server.worker`)."""

try:
    app = create_app()
except NotifygateError as error:
    reason = error.for_operators if isinstance(error, UnavailableError) else error
    print(f"notifygate can't start: {reason}", file=sys.stderr, flush=True)
    sys.exit(APP_LOAD_ERROR)
register_handler(FastPath(app.extensions[EXTENSION], FAST_ENDPOINTS))
