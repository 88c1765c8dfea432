"""Errors and problems: every error that a client can get has an entry, and every entry is used."""

import ast
from collections.abc import Iterator

import pytest

from notifygate import errors
from notifygate.errors import ConfigurationError, NotifygateError
from notifygate.problem_catalogue import CATALOGUE
from tests.support.source import modules


def all_errors(base: type[NotifygateError] = NotifygateError) -> Iterator[type[NotifygateError]]:
    for error in base.__subclasses__():
        yield error
        yield from all_errors(error)


ERRORS = [error for error in all_errors() if error.__module__ == errors.__name__]
WITHOUT_A_PROBLEM = {ConfigurationError}
"""It stops the start, before there are clients."""


def test_every_error_has_a_code_of_its_own_and_a_problem() -> None:
    codes = [error.code for error in ERRORS]
    assert len(set(codes)) == len(codes)
    assert {error.code for error in ERRORS if error not in WITHOUT_A_PROBLEM} <= set(CATALOGUE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_problem_is_complete_and_used(code: str) -> None:
    """Its code is named outside the catalogue: by an error, or by the mapping of HTTP's own errors."""
    problem = CATALOGUE[code]
    assert problem.code == code
    assert 400 <= problem.status < 600
    assert problem.title
    assert not problem.title.endswith(".")
    assert problem.explanation.endswith(".")
    assert any(
        isinstance(node, ast.Constant) and node.value == code
        for name, tree in modules().items()
        if name != "notifygate.problem_catalogue"
        for node in ast.walk(tree)
    )
