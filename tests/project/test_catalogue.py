"""Errors and problems: every error that a client can get has an entry, and every entry is used."""

import ast
from collections.abc import Iterator

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


def test_problems_are_complete_and_used() -> None:
    """Their codes are named outside the catalogue: by an error, or by the mapping of HTTP's own errors."""
    named = {
        node.value
        for name, tree in modules().items()
        if name != "notifygate.problem_catalogue"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
    }
    assert CATALOGUE.keys() - named == set()
    for code, problem in CATALOGUE.items():
        assert problem.code == code
        assert 400 <= problem.status < 600, code
        assert problem.title, code
        assert not problem.title.endswith("."), code
        assert problem.explanation.endswith("."), code
