"""Texts of lines: on one line, joined to paragraphs, and what a reader can be given of them."""

from __future__ import annotations

import re
import unicodedata

from ocr_contract.characters import stands_alone

LONGEST_WORD = 100  # characters; longer ones are not looked up
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# What UTF-8, XML 1.0 or a terminal will not take: controls, halves of surrogate pairs, U+FFFE and U+FFFF.
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SOFT_HYPHEN = "\N{SOFT HYPHEN}"
_HYPHENS = ("-", "\N{HYPHEN}")
_WORD = re.compile(r"\w+")


def one_line(text: str) -> str:
    """A text without line breaks and tabs, and with every character that no file can hold replaced by U+FFFD."""
    return _FORBIDDEN.sub(REPLACEMENT, " ".join(text.expandtabs(1).splitlines()))


def is_right_to_left(text: str) -> bool:
    """Whether most letters of a text are of a script such as Arabic or Hebrew."""
    classes = [unicodedata.bidirectional(character) for character in text]
    return sum(name in ("R", "AL") for name in classes) > classes.count("L")


def text_width(text: str) -> int:
    """About how wide a text is, in halves of a CJK character."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def words_in(text: str) -> frozenset[str]:
    """The words of a text, in lower case, without hyphens and other signs."""
    return frozenset(_WORD.findall(text.lower()))


def join_lines(lines: list[str], page_words: frozenset[str] = frozenset()) -> str:
    """Lines of a paragraph as one text: joined by spaces, between CJK characters and at their punctuation without.

    Nor is there a space after a hyphen. It is kept, as in "well-known", unless it is a soft one, or the page has the
    same word without it elsewhere.

    Args:
        lines: not blank.
        page_words: of the page, in lower case.
    """
    text = lines[0].strip()
    for line in map(str.strip, lines[1:]):
        before, after = _last_word(text[:-1]), _WORD.match(line)
        if text.endswith(_SOFT_HYPHEN):
            text = text[:-1] + line
        elif text.endswith(_HYPHENS) and before and after:
            is_break = after[0].islower() and (before + after[0]).lower() in page_words
            text = (text[:-1] if is_break else text) + line
        elif _joins(text[-1], line[0]):
            text += line
        else:
            text += " " + line
    return text


def _last_word(text: str) -> str:
    """The word that a text ends with; "" where it ends with another sign."""
    match = _WORD.match(text[: -LONGEST_WORD - 1 : -1])
    return match[0][::-1] if match else ""


def _joins(last: str, first: str) -> bool:
    """Whether no space stands between two lines, by their characters where they meet."""
    alone = [stands_alone(character) for character in (last, first)]
    return all(alone) or any(a and unicodedata.category(c)[0] == "P" for a, c in zip(alone, (last, first), strict=True))
