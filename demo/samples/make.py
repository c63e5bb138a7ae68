"""Writes what is derived in rental/: the DOCX and the PDF from sources/, and the sidecar of each document from sidecars.json.

    python demo/samples/make.py            writes the files
    python demo/samples/make.py --check    fails where a file is not what would be written

Only Python's standard library; the same bytes on every machine.
"""

import argparse
import json
import pathlib
import re
import sys
import textwrap
import zipfile
from io import BytesIO
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).parent
RENTAL = HERE / "rental"
WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
BOLD = re.compile(r"\*\*(.+?)\*\*")


def blocks(markdown):
    """The blocks of a source: ("heading", level, text), ("item", text), ("table", rows) or ("paragraph", text)."""
    table = []
    for part in re.split(r"\n\s*\n", markdown.strip()):
        for line in part.splitlines():
            if line.startswith("|"):
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                if not all(re.fullmatch(r"-+", cell) for cell in cells):
                    table.append(cells)
            elif line.startswith("#"):
                level = len(line) - len(line.lstrip("#"))
                yield "heading", level, line[level:].strip()
            elif line.startswith("- "):
                yield "item", line[2:]
            else:
                yield "paragraph", line
        if table:
            yield "table", table
            table = []


def docx(markdown):
    """A document of Word with headings, lists and tables."""
    numbering = (f'<w:numbering xmlns:w="{WORDS}"><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/>'
                 '<w:lvlText w:val="•"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>')
    styles = f'<w:styles xmlns:w="{WORDS}">' + "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{level}"><w:name w:val="heading {level}"/>'
        f'<w:pPr><w:outlineLvl w:val="{level - 1}"/></w:pPr><w:rPr><w:b/><w:sz w:val="{36 - 4 * level}"/></w:rPr></w:style>'
        for level in (1, 2)) + "</w:styles>"
    body = "".join(_word(block) for block in blocks(markdown))
    kinds = "application/vnd.openxmlformats-officedocument.wordprocessingml."
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/"
    parts = {
        "[Content_Types].xml":
            f'<Types xmlns="{package}content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
            f'relationships+xml"/><Override PartName="/word/document.xml" ContentType="{kinds}document.main+xml"/><Override '
            f'PartName="/word/styles.xml" ContentType="{kinds}styles+xml"/><Override PartName="/word/numbering.xml" '
            f'ContentType="{kinds}numbering+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}relationships"><Relationship Id="rId1" Type="{relations}/officeDocument" '
                       'Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels":
            f'<Relationships xmlns="{package}relationships"><Relationship Id="rId1" Type="{relations}/styles" Target="styles.xml"/>'
            f'<Relationship Id="rId2" Type="{relations}/numbering" Target="numbering.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{WORDS}"><w:body>{body}</w:body></w:document>',
        "word/styles.xml": styles,
        "word/numbering.xml": numbering,
    }
    out = BytesIO()
    # Stored, because compressed bytes depend on the library's version.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            archive.writestr(entry, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + text)
    return out.getvalue()


def _word(block):
    match block:
        case "heading", level, text:
            return f'<w:p><w:pPr><w:pStyle w:val="Heading{level}"/></w:pPr>{_runs(text)}</w:p>'
        case "item", text:
            return f'<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>{_runs(text)}</w:p>'
        case "paragraph", text:
            return f"<w:p>{_runs(text)}</w:p>"
        case "table", rows:
            cells = "".join("<w:tr>" + "".join(f"<w:tc><w:p>{_runs(cell)}</w:p></w:tc>" for cell in row) + "</w:tr>" for row in rows)
            return f"<w:tbl><w:tblPr/>{cells}</w:tbl>"


def _runs(text):
    runs = []
    for at, part in enumerate(BOLD.split(text)):
        bold = "<w:rPr><w:b/></w:rPr>" if at % 2 else ""
        if part:
            runs.append(f'<w:r>{bold}<w:t xml:space="preserve">{escape(part)}</w:t></w:r>')
    return "".join(runs)


def pdf(markdown):
    """A PDF of A4 pages in Helvetica, tables in columns."""
    pages, y = [[]], 800

    def line(text, size, x=50, font="F1", drop=None):
        nonlocal y
        if drop is not False:
            y -= drop or size + 4
            if y < 60:
                pages.append([])
                y = 780
        raw = text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        pages[-1].append(b"BT /%s %d Tf %d %d Td (%s) Tj ET" % (font.encode(), size, x, y, raw))

    for block in blocks(BOLD.sub(r"\1", markdown)):
        match block:
            case "heading", level, text:
                line(text, 18 - 2 * level, font="F2", drop=30)
            case "paragraph", text:
                for part in textwrap.wrap(text, 100):
                    line(part, 10)
                y -= 5
            case "item", text:
                for at, part in enumerate(textwrap.wrap(text, 95)):
                    line(("• " if at == 0 else "  ") + part, 10, x=60)
            case "table", rows:
                width = 500 // len(rows[0])
                for number, row in enumerate(rows):
                    for column, cell in enumerate(row):
                        line(cell, 10, x=50 + column * width, font="F1" if number else "F2", drop=False if column else None)
                y -= 5
    first = 5
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>",
               b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % (first + 2 * at) for at in range(len(pages))), len(pages)),
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>"]
    for at, page in enumerate(pages):
        content = b"\n".join(page)
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> "
                       b"/Contents %d 0 R >>" % (first + 2 * at + 1))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def sidecar(row):
    """The metadata file of a document, with its access list where it has one."""
    attributes = {name: value for name, value in row.items() if name not in ("allow", "deny")}
    found = {"metadataAttributes": attributes}
    principals = [(kind, name) for kind in ("allow", "deny") for name in row.get(kind, [])]
    if principals:
        found["accessControlList"] = [{"name": name, "type": "GROUP", "access": kind.upper()} for kind, name in principals]
    return json.dumps(found, indent=2, ensure_ascii=False).encode() + b"\n"


def derived():
    """Path and bytes of every file that this writes."""
    yield RENTAL / "fleet/equipment-handover.docx", docx((HERE / "sources/equipment-handover.md").read_text(encoding="utf-8"))
    yield RENTAL / "people-finance/expenses-and-travel.pdf", pdf((HERE / "sources/expenses-and-travel.md").read_text(encoding="utf-8"))
    for name, row in json.loads((HERE / "sidecars.json").read_text(encoding="utf-8")).items():
        yield RENTAL / f"{name}.metadata.json", sidecar(row)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [path for path, data in derived() if not path.exists() or path.read_bytes() != data]
    if check and stale:
        sys.exit("not fresh, run demo/samples/make.py: " + ", ".join(str(path.relative_to(HERE)) for path in stale))
    for path, data in derived():
        if path in stale:
            path.write_bytes(data)


if __name__ == "__main__":
    main()
