"""The invisible text that an earlier OCR put into a page, taken out again."""

from __future__ import annotations

from typing import Any

import pikepdf
from pikepdf import Name, Object, Pdf, Stream

from ocr_documents.pdf.content import INVISIBLE
from ocr_documents.pdf.resources import dictionary, own_entries, own_resources, shallow_copy

_Instruction = tuple[Any, pikepdf.Operator]  # operands and operator

_MAX_DEPTH = 16  # of forms within forms
_SHOWS = frozenset({"Tj", "TJ", "'", '"'})
_MOVES = frozenset({"Td", "TD", "Tm", "T*"})
_TEXT_STATE = frozenset({"Tc", "Tw", "Tz", "TL", "Tf", "Tr", "Ts"})
# What leaves no trace of itself on the page after the Q that ends its block.
_STATE = _MOVES | _TEXT_STATE | {"q", "BT", "ET", "cm", "gs"}
_TC, _TW, _TL, _NEXT_LINE = (pikepdf.Operator(name) for name in ("Tc", "Tw", "TL", "T*"))


def remove_invisible_text(pdf: Pdf, page: pikepdf.Page) -> None:
    """Take the invisible text out of a page, and out of the forms that it draws.

    Streams without such text stay as they are. What is changed is changed for this page alone: others may share it.

    Raises:
        pikepdf.PdfError: a content stream cannot be read.
    """
    resources = own_resources(page)
    content, forms = _Cleaner(pdf).clean(page, resources, 0, 0)
    if content is not None:
        page.obj.Contents = Stream(pdf, content)
    if forms:
        _draw_instead(resources, forms)


class _Cleaner:
    """Goes through a page's content and the forms in it."""

    def __init__(self, pdf: Pdf) -> None:
        self._pdf = pdf
        self._forms: dict[tuple[tuple[int, int], int], Stream | None] = {}

    def clean(
        self, owner: pikepdf.Page | Stream, resources: Object, mode: int, depth: int
    ) -> tuple[bytes | None, dict[str, Stream]]:
        """The content without invisible text, None if it has none; and by name the forms to draw instead of others."""
        written: list[_Instruction] = []
        blocks: list[tuple[int, int, int]] = []  # for every open q: mode, place in `written`, texts removed so far
        text: list[tuple[_Instruction, bool]] | None = None
        forms: dict[str, Stream] = {}
        removed = 0
        for instruction in pikepdf.parse_content_stream(owner):
            step = (instruction.operands, instruction.operator)
            operator = str(instruction.operator)
            if operator == "Tr":
                mode = _mode(instruction.operands, mode)
            elif operator == "BT" and text is None:
                text = []
            if text is not None:
                text.append((step, operator in _SHOWS and mode == INVISIBLE))
                if operator == "ET":
                    kept, fewer = _visible(text)
                    removed += fewer
                    written += kept
                    text = None
                continue
            written.append(step)
            if operator == "q":
                blocks.append((mode, len(written) - 1, removed))
            elif operator == "Q" and blocks:
                mode, begin, before = blocks.pop()
                if removed > before and all(str(op) in _STATE for _, op in written[begin:-1]):
                    del written[begin:]
            elif operator == "Do" and (form := self._form(step, resources, mode, depth)) is not None:
                forms[str(step[0][0])] = form
        written += [step for step, _ in text or []]
        return (pikepdf.unparse_content_stream(written) if removed else None), forms

    def _form(self, step: _Instruction, resources: Object, mode: int, depth: int) -> Stream | None:
        """The form to draw instead of the one that is drawn here, None if that has no invisible text."""
        form = dictionary(resources.get("/XObject")).get(step[0][0]) if step[0] else None
        if not isinstance(form, Stream) or form.get("/Subtype") != Name.Form or depth == _MAX_DEPTH:
            return None
        key = (form.objgen, mode)
        if key not in self._forms:
            self._forms[key] = None  # for a form that draws itself
            own = form.get("/Resources")
            content, forms = self.clean(form, resources if own is None else dictionary(own), mode, depth + 1)
            if content is not None or forms:
                self._forms[key] = self._replaced(form, content, forms, resources)
        return self._forms[key]

    def _replaced(self, form: Stream, content: bytes | None, forms: dict[str, Stream], resources: Object) -> Stream:
        copy = Stream(self._pdf, form.read_bytes() if content is None else content)
        for key, value in form.items():
            if key not in ("/Length", "/Filter", "/DecodeParms"):
                copy[key] = value
        if forms:
            copy.Resources = shallow_copy(dictionary(copy.get("/Resources", resources)))
            _draw_instead(copy.Resources, forms)
        return copy


def _draw_instead(resources: Object, forms: dict[str, Stream]) -> None:
    entries = own_entries(resources, "/XObject")
    for name, form in forms.items():
        entries[name] = form


def _visible(text: list[tuple[_Instruction, bool]]) -> tuple[list[_Instruction], bool]:
    """A text object without the texts marked as invisible, and whether there were any to remove.

    A text that is not shown still moves the place of the next one, so it stays where a visible one follows that is not
    placed by itself.
    """
    kept: list[_Instruction] = []
    removed = moves_next = False  # the latter: whether the place at which a text ends matters
    for (operands, operator), invisible in reversed(text):
        name = str(operator)
        if invisible and not moves_next:
            removed = True
            kept += _next_line(name, operands)
            continue
        kept.append((operands, operator))
        if name in _SHOWS:
            moves_next = name in ("Tj", "TJ")  # the other two go to the next line first
        elif name in _MOVES:
            moves_next = False
    kept.reverse()
    if removed and not any(str(operator) in _SHOWS for _, operator in kept):
        kept = _lasting(kept)
    return kept, removed


def _next_line(name: str, operands: Any) -> list[_Instruction]:
    """What a text operator does beside showing its text, the last first."""
    if name not in ("'", '"'):
        return []
    spacing = [([operands[1]], _TC), ([operands[0]], _TW)] if name == '"' else []
    return [([], _NEXT_LINE), *spacing]


def _lasting(steps: list[_Instruction]) -> list[_Instruction]:
    """What of a text object without texts outlasts its end: of each setting the last."""
    steps = [([-float(step[0][1])], _TL) if str(step[1]) == "TD" else step for step in steps]
    steps = [step for step in steps if str(step[1]) not in _MOVES]
    last = {str(operator): number for number, (_, operator) in enumerate(steps)}
    return [
        step for number, step in enumerate(steps) if str(step[1]) not in _TEXT_STATE or last[str(step[1])] == number
    ]


def _mode(operands: Any, before: int) -> int:
    try:
        return int(operands[0])
    except (IndexError, TypeError, ValueError):
        return before  # viewers pass over it, too
