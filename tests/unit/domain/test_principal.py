"""Permissions of a publisher: patterns of audiences and types."""

from collections.abc import Iterator
from itertools import product

from notifygate.domain.principal import Publisher


def publisher_for(*patterns: str) -> Publisher:
    return Publisher("id", "name", frozenset({"publish"}), patterns, patterns)


def matches_by_definition(pattern: str, text: str) -> bool:
    """Return the result by the definition of a pattern: `*` matches no character, or one and again `*`."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return matches_by_definition(pattern[1:], text) or (bool(text) and matches_by_definition(pattern, text[1:]))
    return bool(text) and pattern[0] == text[0] and matches_by_definition(pattern[1:], text[1:])


def texts_up_to(length: int, characters: str) -> Iterator[str]:
    for size in range(length + 1):
        yield from map("".join, product(characters, repeat=size))


def test_pattern_matches_according_to_its_definition() -> None:
    """For all short patterns and texts, in which pieces overlap in every possible way."""
    texts = list(texts_up_to(4, "ab"))
    for pattern in texts_up_to(5, "*ab"):
        publisher = publisher_for(pattern)
        for text in texts:
            expected = matches_by_definition(pattern, text)
            assert publisher.may_address(text) is publisher.may_use_type(text) is expected, (pattern, text)


def test_one_of_several_patterns_is_sufficient_and_other_metacharacters_are_literal() -> None:
    publisher = publisher_for("user:*", "role:ops", "topic:[a-z]?.+")
    for audience in ("user:alice", "role:ops", "topic:[a-z]?.+"):
        assert publisher.may_address(audience)
    for audience in ("role:ops2", "topic:ab.+"):
        assert not publisher.may_address(audience)
    assert not publisher_for().may_address("all")


def test_pattern_with_many_stars_takes_no_longer() -> None:
    """A matcher that backtracks would not return: there are 10^29 ways to fail."""
    publisher = publisher_for("user:" + "*a" * 30 + "*b")
    assert not publisher.may_address("user:" + "a" * 128)
    assert publisher.may_address("user:" + "a" * 128 + "b")
