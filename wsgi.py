"""The WSGI entry point: `gunicorn wsgi:app`. gunicorn.conf.py says the rest."""

import sys

from notifygate.api.desk.front_desk import FrontDesk
from notifygate.api.gateway import EXTENSION
from notifygate.app import create_app
from notifygate.errors import NotifygateError
from notifygate.server.desk import serve_at

APP_LOAD_ERROR = 4
"""gunicorn's code for "don't try again": with any other it would start worker after worker. The first worker's ends the
gateway (`notifygate.server.worker`)."""

try:
    app = create_app()
except NotifygateError as error:
    print(f"notifygate can't start: {error}", file=sys.stderr, flush=True)
    sys.exit(APP_LOAD_ERROR)
serve_at(FrontDesk(app.extensions[EXTENSION]))
