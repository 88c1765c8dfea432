"""The files of the gateway outside the package's modules: `migrations/`, `gunicorn.conf.py` and `wsgi.py`.

In a checkout they lie beside the package, where gunicorn and Alembic look for them. A wheel carries the same files
inside of the package (`scripts/hatch_build.py`): beside it, in site-packages, other projects use these names, too.
"""

from pathlib import Path

_IN_WHEEL = Path(__file__).parent / "program"

PROGRAM_FILES = _IN_WHEEL if _IN_WHEEL.is_dir() else Path(__file__).parents[1]
"""The folder that holds them."""
