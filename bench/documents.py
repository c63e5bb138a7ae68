#!/usr/bin/env python3
"""Text out of PDF: Craton's reader against pypdf and pdfminer.six, in turn, on the same files.

    python3 -m venv .venv && .venv/bin/pip install pdfminer.six pypdf reportlab
    cargo build --release -p media --examples
    .venv/bin/python bench/documents.py [--documents 40] [--pairs 5] [--texts FOLDER] [--files FOLDER]

Three sets are laid out from real texts (the policy documents, without their Markdown marks), so that what stands on the
pages and in which order is known: one column, two columns, and tables with lines. Every page has a header and a footer.
Reported for each reader, as the median of the documents: the part of the words that it gives (recall), the part of what
it gives that are words of the text (precision, headers and footers counted as none), how far they come in the order of
the text (twice the length of the matching blocks of words by the words of both), and pages in a second: Craton in one
process and, as the server runs it, apart. `--files` adds a folder of PDFs whose text is not known: there the readers are
compared with each other by the words that they share.

The peers get what serves them best: `pdfminer.high_level.extract_text` with its layout analysis as it is by default, and
pypdf's `extract_text()`; both keep the files in memory, as Craton does.
"""

import argparse
import collections
import difflib
import io
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
LONGEST = 9_000
MOST_COMPARED = 3_000


def main():
    options = parse_options()
    print(f"{cpu_name()}, {platform.platform()}")
    print("peers: " + ", ".join(f"{name} {version}" for name, version in versions()))
    readers = {
        "craton": Craton(options.examples, apart=False),
        "craton, apart": Craton(options.examples, apart=True),
        "pypdf": pypdf_text,
        "pdfminer.six": pdfminer_text,
    }
    with tempfile.TemporaryDirectory() as folder:
        texts = source_texts(options.texts, options.documents)
        for layout in (one_column, two_columns, tables):
            documents = [lay_out(layout, text, Path(folder) / f"{layout.__name__}-{at}.pdf") for at, text in enumerate(texts)]
            report(layout.__name__.replace("_", " "), documents, readers, options.pairs)
    if options.files:
        compare_unknown(sorted(options.files.rglob("*.pdf")), readers)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--texts", type=Path, default=ROOT.parent / "shared/data/policies/docs")
    parser.add_argument("--files", type=Path)
    parser.add_argument("--examples", type=Path, default=TARGET / "release/examples")
    return parser.parse_args()


def versions():
    from importlib.metadata import version

    return [(name, version(name)) for name in ("pypdf", "pdfminer.six")]


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


# The readers: bytes to text and seconds.


class Craton:
    def __init__(self, examples, apart):
        command = [str(examples / "extract_files")] + ([str(examples / "extract_worker")] if apart else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, path):
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer.get("text", ""), answer["seconds"]


def timed(read):
    def reader(path):
        data = io.BytesIO(Path(path).read_bytes())
        started = time.perf_counter()
        try:
            text = read(data)
        except Exception as error:  # a peer's fault counts as no text
            print(f"  {path}: {error!r}", file=sys.stderr)
            text = ""
        return text, time.perf_counter() - started

    return reader


@timed
def pypdf_text(data):
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(data).pages)


@timed
def pdfminer_text(data):
    from pdfminer.high_level import extract_text

    return extract_text(data)


# The documents.


def source_texts(folder, documents):
    """Paragraphs without Markdown's marks, of documents that are long enough, spread over all of them."""
    found = []
    for path in sorted(folder.rglob("*.md")):
        text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(), flags=re.S)
        text = re.sub(r"```.*?```|\{\{.*?\}\}|\{%.*?%\}|<[^>]+>", " ", text, flags=re.S)
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
        paragraphs = [re.sub(r"\s+", " ", re.sub(r"[#*_`>|]+", "", part)).strip() for part in text.split("\n\n")]
        # The pages' standard fonts have Latin-1.
        paragraphs = [part.encode("latin-1", "ignore").decode("latin-1") for part in paragraphs if len(part) > 40]
        if sum(map(len, paragraphs)) > 3_000:
            found.append(paragraphs)
    step = max(1, len(found) // documents)
    return [shortened(paragraphs) for paragraphs in found[::step][:documents]]


def shortened(paragraphs):
    kept, length = [], 0
    for part in paragraphs:
        if length + len(part) > LONGEST:
            break
        kept.append(part)
        length += len(part)
    return kept


def lay_out(layout, paragraphs, path):
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    frames, story, truth = layout(paragraphs, A4, ParagraphStyle("body", fontSize=10, leading=13, spaceAfter=8))

    def furniture(canvas, document):
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60, A4[1] - 30, "Policies of the company")
        canvas.drawCentredString(A4[0] / 2, 25, f"page {document.page}")

    document = BaseDocTemplate(str(path), pagesize=A4)
    document.addPageTemplates(PageTemplate(frames=[Frame(*frame) for frame in frames], onPage=furniture))
    document.build(story)
    return path, truth, document.page


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def one_column(paragraphs, size, style):
    from reportlab.platypus import Paragraph

    return [(60, 50, 475, size[1] - 110)], [Paragraph(escaped(part), style) for part in paragraphs], " ".join(paragraphs)


def two_columns(paragraphs, size, style):
    from reportlab.platypus import Paragraph

    frames = [(50, 50, 240, size[1] - 110), (305, 50, 240, size[1] - 110)]
    return frames, [Paragraph(escaped(part), style) for part in paragraphs], " ".join(paragraphs)


def tables(paragraphs, size, style):
    """Every second paragraph's first words stand in a table of three columns."""
    from reportlab.lib import colors
    from reportlab.platypus import Paragraph, Spacer, Table

    story, truth = [], []
    for at, part in enumerate(paragraphs):
        if at % 2 == 0:
            story.append(Paragraph(escaped(part), style))
            truth.append(part)
            continue
        words = part.split()[:36]
        cells = [" ".join(words[first : first + 4]) for first in range(0, len(words) - 3, 4)]
        rows = [cells[first : first + 3] for first in range(0, len(cells) - 2, 3)]
        if rows:
            story += [Table(rows, style=[("GRID", (0, 0), (-1, -1), 0.5, colors.black)]), Spacer(1, 8)]
            truth += [cell for row in rows for cell in row]
    return [(60, 50, 475, size[1] - 110)], story, " ".join(truth)


# The measures.


def words(text):
    return re.findall(r"\w+", text.replace("---", " "))


def recall_and_precision(given, truth):
    given, truth = collections.Counter(words(given)), collections.Counter(words(truth))
    common = sum((given & truth).values())
    return common / max(1, sum(truth.values())), common / max(1, sum(given.values()))


def order(given, truth):
    given, truth = words(given)[:MOST_COMPARED], words(truth)[:MOST_COMPARED]
    return difflib.SequenceMatcher(None, given, truth, autojunk=False).ratio()


def report(name, documents, readers, pairs):
    pages = sum(document[2] for document in documents)
    print(f"\n{name}: {len(documents)} documents, {pages} pages")
    print(f"{'':16}{'recall':>9}{'precision':>11}{'order':>9}{'pages/s':>10}{'ratio':>8}")
    seconds = {reader: [] for reader in readers}
    texts = {}
    for _ in range(pairs):
        for reader, read in readers.items():
            results = [read(path) for path, _, _ in documents]
            texts[reader] = [text for text, _ in results]
            seconds[reader].append(sum(taken for _, taken in results))
    ours = statistics.median(seconds["craton"])
    for reader in readers:
        measured = [recall_and_precision(text, truth) for text, (_, truth, _) in zip(texts[reader], documents)]
        recall, precision = (statistics.median(values) for values in zip(*measured))
        in_order = statistics.median(order(text, truth) for text, (_, truth, _) in zip(texts[reader], documents))
        median = statistics.median(seconds[reader])
        print(f"{reader:16}{recall:9.4f}{precision:11.4f}{in_order:9.4f}{pages / median:10.0f}{median / ours:8.1f}")


def compare_unknown(paths, readers):
    print(f"\n{len(paths)} files whose text is not known: part of the words of one reader (row) that another gives, median")
    texts = {reader: [read(path)[0] for path in paths] for reader, read in readers.items() if reader != "craton, apart"}
    for reader, given in texts.items():
        shared = [
            statistics.median(recall_and_precision(b, a)[0] for a, b in zip(given, other) if words(a))
            for other in texts.values()
        ]
        print(f"{reader:16}" + "".join(f"{name}: {part:.3f}  " for name, part in zip(texts, shared)))


if __name__ == "__main__":
    sys.exit(main())
