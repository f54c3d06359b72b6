"""PDF files made by hand."""

import io

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream


def pdf_file(*contents, **page):
    """A PDF of as many pages as contents (bytes), whose font F1 is Helvetica, each with entries of its own."""
    with pikepdf.new() as pdf:
        for content in contents:
            pdf.add_blank_page(page_size=(612, 792))
            made = pdf.pages[-1].obj
            made.Resources = Dictionary(Font=Dictionary(F1=helvetica(pdf)))
            made.Contents = Stream(pdf, content)
            for name, value in page.items():
                made["/" + name] = value
        return saved(pdf)


def helvetica(pdf):
    return pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))


def text(string, x=100, y=700, size=12, matrix="1 0 0 1", mode=0):
    """A line of text, its base line begun at (x, y)."""
    return f"BT {mode} Tr /F1 {size} Tf {matrix} {x} {y} Tm ({string}) Tj ET ".encode()


def filled_form(value):
    """A form whose one field has a value, and no drawing of it."""
    with pikepdf.open(io.BytesIO(pdf_file(text("Name:", 100, 700)))) as pdf:
        page = pdf.pages[0].obj
        field = pdf.make_indirect(
            Dictionary(
                **{"Type": Name.Annot, "Subtype": Name.Widget, "FT": Name.Tx, "F": 4, "P": page},
                **{"T": b"name", "V": value, "DA": b"/Helv 12 Tf 0 g", "Rect": Array([150, 690, 350, 715])},
            )
        )
        page.Annots = Array([field])
        fonts = Dictionary(Font=Dictionary(Helv=helvetica(pdf)))
        pdf.Root.AcroForm = Dictionary(Fields=Array([field]), DR=fonts, NeedAppearances=True)
        return saved(pdf)


def saved(pdf, **how):
    file = io.BytesIO()
    pdf.save(file, **how)
    return file.getvalue()
