"""The words of the code and its documents: those of the field, and one name for one thing.

Identifiers are read from the syntax tree, prose from docstrings, comments and the documents without their code. A word
is on a list below because a standard term exists for it (a person for a program, a metaphor for a data structure) or
because a sentence with it is longer than one without.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.source import PACKAGE, REPOSITORY, files, modules

RETIRED_IN_NAMES = frozenset(
    {"accounts", "advice", "beat", "board", "desk", "essence", "look", "nothing", "renew", "room", "standing", "tell", "told"}
)  # fmt: skip
"""Words that no name contains, between underscores or capitals."""

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
        | (?<!here\ )\b(?:is|are|was|were)\ no\ (?!longer\b|more\b)  # is not a; `there is no` is fine
        | \b(?:has|have|had)\ been\b  # simple past
    )
    | (?:\A|(?<=\.\ )|(?<=\n\n))(?:Who|What|Whoever|Whatever)\ (?![^.]*\?)  # begin with the thing that acts
    """,
    re.VERBOSE,
)
PLAIN_DOCUMENTS = sorted(path.relative_to(REPOSITORY).as_posix() for path in files() if path.suffix == ".md")
CODE_IN_DOCUMENTS = re.compile(r"^```.*?^```$|`[^`]*`|<[^>]*>|\(#[^)]*\)|^## 2\. Who is calling$", re.M | re.S)


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


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the docstrings and the comments of a module, with their lines; adjacent comments are one text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
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


def retired(text: str) -> list[str]:
    """Return the retired words of a text, with what stands around each."""
    text = re.sub(r"`[^`]*`", "", re.sub(r"(?<!\n)\n[ \t]*(?!\n)", " ", text))
    return [text[max(0, match.start() - 30) : match.end() + 30] for match in RETIRED_IN_PROSE.finditer(text)]


@pytest.mark.parametrize("module", modules())
def test_names_are_those_of_the_field(module: str) -> None:
    assert words_of(module) & (RETIRED_IN_NAMES | RETIRED_MODULES) == set()
    assert [
        f"{line}: {name}"
        for line, name in names_of(modules()[module])
        if words_of(name) & RETIRED_IN_NAMES or name in RETIRED_NAMES
    ] == []


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_docstrings_and_comments_are_plain(file: Path) -> None:
    assert [f"{line}: {hit}" for line, text in prose_of(file.read_text()) for hit in retired(text)] == []


@pytest.mark.parametrize("document", PLAIN_DOCUMENTS)
def test_documents_are_plain(document: str) -> None:
    text = CODE_IN_DOCUMENTS.sub("", (REPOSITORY / document).read_text())
    assert [hit for paragraph in text.split("\n\n") for hit in retired(paragraph)] == []


def test_no_class_name_exists_twice() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


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
def test_the_lists_find_what_they_should(text: str, is_plain: bool) -> None:
    assert (retired(text) == []) == is_plain
