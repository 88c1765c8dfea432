"""Untrusted text, made safe to print as one line on a terminal.

A notification's text comes from any publisher, an error's detail from any server at the URL. Printed
raw, an escape sequence in it could rewrite the screen, set the window's title or, in some terminals,
type commands; a line break could forge a line; a bidirectional override could show a sentence in
another order.
"""

import re

_SPACE = re.compile(r"\s+")

# The C0 and C1 controls with DEL, the marks and overrides of writing direction, and lone surrogates,
# which no encoding can write. Joiners stay: emoji and several scripts are spelled with them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str) -> str:
    r"""Return `text` on one line without characters that control a terminal.

    Runs of white space, with line breaks of every kind, become one space. Other characters that are
    not printable become their Python escape: ESC turns into the four characters `\x1b`.
    """
    return _UNSAFE.sub(_escape, _SPACE.sub(" ", text).strip())


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
