"""Makes the samples in this folder: `pip install reportlab fpdf2 pypdf python-docx openpyxl python-pptx pillow`, then
`python make.py`. The tests know what is in them."""

import datetime
import io
import sys
from pathlib import Path

HERE = Path(__file__).parent
SANS = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

LEFT = (
    "Every car is inspected before it leaves the yard and again when it comes back. The inspection takes ten minutes and "
    "is done with the customer present. Scratches longer than a finger are photographed and noted on the agreement. A "
    "customer who is in a hurry may waive the inspection, but then pays for whatever is found later. The note is signed "
    "by both and kept for a year. Nobody may change a note once it has been signed, not even to correct a mistake."
)
RIGHT = (
    "Fuel is charged by the litre at the price of the nearest station plus a service fee. Electric cars are charged by "
    "the kilowatt hour, measured at our own post. A car that comes back with less than a tenth of its range is towed at "
    "the customer's cost. The charge appears on the invoice within three days. Customers who dispute it write to the "
    "branch manager, who answers within a week and whose answer is final in every case."
)


def page(name, draw, **options):
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(HERE / name), pagesize=A4, invariant=1, **{"pageCompression": 1, **options})
    draw(canvas, *A4)
    canvas.save()


def lines(canvas, text, x, y, width, size=10, step=13):
    from reportlab.lib.utils import simpleSplit

    canvas.setFont("Helvetica", size)
    for line in simpleSplit(text, "Helvetica", size, width):
        canvas.drawString(x, y, line)
        y -= step
    return y


def two_columns(canvas, width, height):
    canvas.setTitle("Inspection and fuel")
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(60, height - 80, "Inspection and fuel")
    y = lines(canvas, "These rules hold in all branches of the company from the first of March.", 60, height - 110, 470)
    lines(canvas, LEFT, 60, y - 20, 220)
    lines(canvas, RIGHT, 310, y - 20, 220)
    lines(canvas, "Questions are answered by the head office.", 60, y - 240, 470)


def ruled_table(canvas, width, height):
    from reportlab.lib import colors
    from reportlab.platypus import Table

    lines(canvas, "Prices by class and season:", 60, height - 80, 400)
    rows = [
        ["Class", "Season", "", "Deposit"],
        ["", "Low", "High", ""],
        ["Small", "29", "45", "200"],
        ["Family", "48", "70", "300"],
        ["Van with\nlift", "90", "130", "500"],
    ]
    style = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("SPAN", (1, 0), (2, 0)),
        ("SPAN", (0, 0), (0, 1)),
        ("SPAN", (3, 0), (3, 1)),
    ]
    table = Table(rows, colWidths=[100, 80, 80, 80], style=style)
    table.wrapOn(canvas, 400, 400)
    table.drawOn(canvas, 60, height - 240)
    lines(canvas, "All prices are for one day and include taxes.", 60, height - 270, 400)


def plain_table(canvas, width, height):
    lines(canvas, "The branches open at these hours, and close on holidays of the town they are in.", 60, height - 80, 470)
    y = height - 120
    for row in [("Branch", "Weekdays", "Sunday"), ("Harbour", "7 to 20", "9 to 17"), ("Airport", "5 to 24", "5 to 24"), ("Old town", "8 to 19", "closed")]:
        for x, cell in zip((60, 200, 320), row):
            canvas.setFont("Helvetica", 10)
            canvas.drawString(x, y, cell)
        y -= 16
    lines(canvas, "Outside these hours keys are left in the box beside the door.", 60, y - 20, 470)


def hyphens(canvas, width, height):
    canvas.setFont("Helvetica", 10)
    for at, line in enumerate([
        "The well-known insurance covers damage to the windscreen, to the trans-",
        "mission and to the tyres. A well-",
        "known exception is damage by water.",
    ]):
        canvas.drawString(60, height - 80 - 13 * at, line)


def many_pages(canvas, width, height):
    for number in range(1, 6):
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60, height - 30, "Rental handbook, internal")
        canvas.drawCentredString(width / 2, 25, f"Page {number} of 5")
        canvas.setFont("Helvetica-Bold", 16)
        canvas.drawString(60, height - 80, f"Chapter of the letter {chr(64 + number)}")
        y = lines(canvas, "It begins here. " + LEFT, 60, height - 110, 470)
        lines(canvas, "\u2022 bring the papers", 60, y - 10, 400)
        lines(canvas, "\u2022 bring both keys", 60, y - 23, 400)
        canvas.showPage()


def scan(canvas, width, height):
    from PIL import Image, ImageDraw
    from reportlab.lib.utils import ImageReader

    picture = Image.new("1", (300, 400), 1)
    ImageDraw.Draw(picture).text((40, 40), "A scanned page", fill=0)
    canvas.drawImage(ImageReader(picture.convert("L")), 0, 0, width, height)


def blank(canvas, width, height):
    canvas.showPage()


def landscape(canvas, width, height):
    canvas.setPageRotation(90)
    canvas.rotate(90)
    lines(canvas, "This page is read with its left edge below.", 60, -80, 400)
    lines(canvas, "Its second line follows the first one.", 60, -93, 400)


def scripts():
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_creation_date(datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc))
    pdf.add_page()
    pdf.add_font("sans", fname=SANS)
    pdf.set_font("sans", size=12)
    for text in [
        "Возврат автомобиля производится в течение часа после окончания срока аренды.",
        "Η επιστροφή του αυτοκινήτου γίνεται μέσα σε μία ώρα από τη λήξη της μίσθωσης.",
        "Die Rückgabe erfolgt binnen einer Stunde; größere Schäden müssen gemeldet werden.",
    ]:
        pdf.multi_cell(0, 8, text, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(6)
    pdf.output(str(HERE / "scripts.pdf"))


def encrypted():
    from pypdf import PdfReader, PdfWriter

    for name, user in [("encrypted.pdf", "secret"), ("owner.pdf", "")]:
        writer = PdfWriter()
        for source in PdfReader(HERE / "hyphens.pdf").pages:
            writer.add_page(source)
        writer.encrypt(user_password=user, owner_password="owner", algorithm="AES-256")
        writer.write(HERE / name)


def document():
    from docx import Document
    from docx.enum.style import WD_STYLE_TYPE

    document = Document()
    document.core_properties.title = "Damage policy"
    document.core_properties.created = document.core_properties.modified = datetime.datetime(2026, 1, 1)
    document.add_heading("Damage", 1)
    paragraph = document.add_paragraph("Damage is reported ")
    paragraph.add_run("at once").bold = True
    paragraph.add_run(" & in writing.")
    hidden = paragraph.add_run(" Not for customers.")
    hidden.font.hidden = True
    document.add_heading("What to bring", 2)
    for item in ("the agreement", "the police report"):
        document.add_paragraph(item, style="List Bullet")
    for item in ("call the branch", "fill in the form"):
        document.add_paragraph(item, style="List Number")
    table = document.add_table(rows=3, cols=3)
    for row, values in zip(table.rows, [("Part", "Cost", ""), ("Door", "300", "450"), ("", "Roof | top", "900")]):
        for cell, value in zip(row.cells, values):
            cell.text = value
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    document.add_paragraph("It ends here.")
    document.save(HERE / "damage.docx")


def workbook():
    from openpyxl import Workbook

    book = Workbook()
    book.properties.title = "Fleet"
    book.properties.created = book.properties.modified = datetime.datetime(2026, 1, 1)
    sheet = book.active
    sheet.title = "Cars"
    sheet.append(["Fleet in spring"])
    sheet.append([])
    sheet.append(["Branch", "Plate", "Since", "Price"])
    sheet.append(["Harbour", "AB 12", datetime.date(2024, 3, 1), 0.1 + 0.2])
    sheet.append([None, "AB 13", datetime.datetime(2024, 3, 2, 8, 30), 29])
    sheet.merge_cells("A4:A5")
    other = book.create_sheet("Keys")
    other.append(["only", "values", 3])
    other.append([1, 2, 3])
    book.create_sheet("Secret").sheet_state = "hidden"
    book.save(HERE / "fleet.xlsx")


def slides():
    from pptx import Presentation

    show = Presentation()
    show.core_properties.title = "Training"
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Welcome"
    slide.placeholders[1].text = "Greet the customer\nOffer a seat"
    slide.notes_slide.notes_text_frame.text = "Smile."
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Prices"
    cells = second.shapes.add_table(2, 2, 0, 0, 400, 100).table
    for at, value in enumerate(["Class", "Price", "Small", "29"]):
        cells.cell(at // 2, at % 2).text = value
    show.save(HERE / "training.pptx")


def main():
    for name, draw in [
        ("two-columns.pdf", two_columns),
        ("ruled-table.pdf", ruled_table),
        ("plain-table.pdf", plain_table),
        ("hyphens.pdf", hyphens),
        ("many-pages.pdf", many_pages),
        ("scan.pdf", scan),
        ("blank.pdf", blank),
        ("landscape.pdf", landscape),
    ]:
        # One is left as it is written, for tests that change its bytes.
        page(name, draw, pageCompression=int(name != "plain-table.pdf"))
    scripts()
    encrypted()
    document()
    workbook()
    slides()


if __name__ == "__main__":
    sys.exit(main())
