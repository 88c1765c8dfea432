"""Makes the test process one of gevent's, as a gunicorn worker is, before anything else is imported.

pytest loads the plugins named by `-p` in pyproject.toml in order, and before those of installed packages.
Some of the latter import `ssl`, and patching after that draws a warning from gevent and can recurse without end;
`conftest.py` is read after them and would be too late.
"""

import sys

from gevent import monkey

if "ssl" in sys.modules:
    raise ImportError("ssl was imported before gevent could patch it: is another -p plugin listed first?")

monkey.patch_all()
