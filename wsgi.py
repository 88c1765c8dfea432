"""The WSGI entry point: `gunicorn wsgi:app`. gunicorn.conf.py says the rest."""

import sys

from notifygate.api.gateway import EXTENSION
from notifygate.api.poll_desk import PollDesk
from notifygate.app import create_app
from notifygate.errors import NotifygateError
from notifygate.server.desk import serve_polls_at

APP_LOAD_ERROR = 4
"""gunicorn's code for "don't try again": with any other it would start worker after worker."""

try:
    app = create_app()
except NotifygateError as error:
    print(f"notifygate can't start: {error}", file=sys.stderr, flush=True)
    sys.exit(APP_LOAD_ERROR)
serve_polls_at(PollDesk(app.extensions[EXTENSION]))
