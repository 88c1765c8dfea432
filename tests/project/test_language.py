"""The words of the code, its tests and its documents: those of the field, and one name for one thing.

Identifiers are read from the syntax tree, prose from docstrings, comments, names of tests, messages of failures and the
documents without their code. A word is on a list below because a standard term exists for it (a person for a program, a
metaphor for a data structure) or because a sentence with it is longer than one without.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.support.source import PACKAGE, REPOSITORY, files, modules, tree_of

FILES = sorted([*PACKAGE.rglob("*.py"), *(REPOSITORY / "tests").rglob("*.py")])

RETIRED_IN_NAMES = frozenset(
    {
        *("accounts", "advice", "beat", "board", "desk", "essence", "nothing", "renew", "room", "rooms", "standing"),
        *("anybody", "everybody", "nobody", "somebody", "whoever"),
        *("hear", "hears", "heard", "look", "looks", "looked", "say", "says", "said"),
        *("tell", "tells", "telling", "told"),
    }
)
"""Words that no name contains, between underscores or capitals."""

FINE_IN_NAMES_OF_TESTS = frozenset({"nothing"})
"""They are sentences."""

RETIRED_NAMES = frozenset({"found"})
"""Whole names: a value is named after what it is."""

RETIRED_MODULES = frozenset({"guard"})
"""Parts of module names. Elsewhere `guard` is the name of a limit."""

RETIRED_IN_PROSE = re.compile(
    r"""
    (?i:
        \b(?:somebody|someone|anybody|nobody|everybody|everyone|whoever)\b  # programs are the client, the worker, ...
        | \b(?:tell|tells|telling|told|say|says|said|saying|hear|hears|heard)\b  # return, report, notify, read, ...
        | \banew\b | \bcounts?\ for\ nothing\b | \bworth\ nothing\b  # again; is invalid
        | \b(?:a|own|the)\ look\b | \bin\ earnest\b | \bordinary\ way\b  # a read of the head; really; Flask
        | (?<!here\ )\b(?:is|are|was|were)\ no\ (?!longer\b|more\b)  # is not a; `there is no` is fine
        | \b(?:has|have|had)\ been\b  # simple past
    )
    | (?:\A|(?<=\.\ )|(?<=\n\n))(?:Who|What|Whoever|Whatever)\ (?![^.]*\?)  # begin with the thing that acts
    """,
    re.VERBOSE,
)
MESSAGE_FUNCTIONS = frozenset({"eventually", "pass_time_until", "stays", "until"})
"""Functions of tests that wait; the texts after their first argument are messages."""

CODE_IN_DOCUMENTS = re.compile(r"^```.*?^```$|`[^`]*`|<[^>]*>|\(#[^)]*\)", re.M | re.S)


def words_of(name: str) -> set[str]:
    """Return the words of a name in snake case or camel case, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def names_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the names that a module gives, with their lines: classes, functions, arguments, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr


def has_retired_words(name: str) -> bool:
    """Return whether a name is retired or contains a retired word."""
    retired_words = words_of(name) & RETIRED_IN_NAMES
    return name in RETIRED_NAMES or bool(retired_words - (FINE_IN_NAMES_OF_TESTS if is_test(name) else set()))


def is_test(name: str) -> bool:
    return name.startswith("test_")


def prose_of(tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """Yield the prose of a module, with its lines: docstrings, messages, names of tests, and comments.

    Adjacent comments are one text.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text
            case ast.Assert(msg=ast.expr() as message):
                yield message.lineno, text_of(message)
            case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name)) if name in MESSAGE_FUNCTIONS:
                yield from ((message.lineno, text_of(message)) for message in node.args[1:])
            case ast.FunctionDef(name=name) if is_test(name):
                yield node.lineno, name.removeprefix("test_").replace("_", " ").capitalize()
    block: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if block and token.start[0] != last + 1:
                yield last - len(block) + 1, " ".join(block)
                block = []
            block.append(token.string.lstrip("# "))
            last = token.start[0]
    if block:
        yield last - len(block) + 1, " ".join(block)


def text_of(message: ast.expr) -> str:
    """Return the constant parts of a message."""
    parts = (node.value for node in ast.walk(message) if isinstance(node, ast.Constant))
    return " ".join(part for part in parts if isinstance(part, str))


def retired(text: str) -> list[str]:
    """Return the retired words of a text, each with its context."""
    text = re.sub(r"`[^`]*`", "", re.sub(r"(?<!\n)\n[ \t]*(?!\n)", " ", text))
    return [text[max(0, match.start() - 30) : match.end() + 30] for match in RETIRED_IN_PROSE.finditer(text)]


def test_names_are_those_of_the_field() -> None:
    paths = [path.relative_to(REPOSITORY).as_posix() for path in FILES]
    assert [path for path in paths if words_of(path) & (RETIRED_IN_NAMES | RETIRED_MODULES)] == []
    names = ((f"{path}:{line}", name) for path in FILES for line, name in names_of(tree_of(path)))
    assert [(place, name) for place, name in names if has_retired_words(name)] == []


def test_docstrings_comments_and_messages_are_plain() -> None:
    texts = ((f"{path}:{line}", text) for path in FILES for line, text in prose_of(tree_of(path), path.read_text()))
    assert [(place, hit) for place, text in texts for hit in retired(text)] == []


def test_documents_are_plain() -> None:
    documents = {path: CODE_IN_DOCUMENTS.sub("", path.read_text()) for path in files() if path.suffix == ".md"}
    assert documents
    texts = ((path, text) for path, document in documents.items() for text in document.split("\n\n"))
    assert [(path, hit) for path, text in texts for hit in retired(text)] == []


def test_no_class_name_exists_twice() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    assert {name: owners for name, owners in places.items() if len(owners) > 1} == {}


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("Return whether the entry is visible.", True),
        ("Tell whether the entry is visible.", False),
        ("The cache is no longer valid.", True),
        ("A body that is no JSON.", False),
        ("What the caller must not see goes to the log.", False),
        ("Read it. Whoever alters it gets\na random block.", False),
        ("The client has been connected.", False),
        ("`tell()` returns the position.", True),
    ],
)
def test_retired_words_of_a_text_are_found(text: str, is_plain: bool) -> None:
    assert (retired(text) == []) == is_plain


@pytest.mark.parametrize(
    "source",
    [
        "def test_an_expired_key_is_worth_nothing(): pass",
        "def test_what_was_published_is_not_lost(): pass",
        "assert x == y, 'nobody is woken'",
        "assert x == y, f'{x}: ' + f'said {y}'",
        "eventually(lambda: x, 'the look')",
        "page.until(lambda: x, f'{y} is heard')",
        "# Whoever waits\n# is woken.",
    ],
)
def test_retired_words_of_a_test_are_found(source: str) -> None:
    assert [hit for _, text in prose_of(ast.parse(source), source) for hit in retired(text)] != []


@pytest.mark.parametrize(
    ("name", "is_retired"),
    [
        ("found", True),
        ("RARE_LOOKS", True),
        ("toldAfter", True),
        ("test_an_own_look_keeps_no_announcement_waiting", True),
        ("test_a_poll_loses_nothing", False),
        ("lookup", False),
        ("found_at", False),
    ],
)
def test_retired_words_of_a_name_are_found(name: str, is_retired: bool) -> None:
    assert has_retired_words(name) is is_retired
