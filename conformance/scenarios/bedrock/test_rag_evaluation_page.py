"""The commands of docs/solutions/rag-evaluation.md, as they stand there."""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/solutions/rag-evaluation.md").read_text(encoding="utf-8")
MIMIC = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___ year old woman with cough

 FINDINGS:

 The lungs are clear.  There is no pleural
 effusion.

 IMPRESSION:

 No acute process.
"""
OPEN_I = """<?xml version="1.0" encoding="utf-8"?><eCitation><MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="INDICATION">Cough.</AbstractText>
<AbstractText Label="FINDINGS">Heart size normal. Lungs &lt;clear&gt;.</AbstractText>
<AbstractText Label="IMPRESSION">No acute disease.</AbstractText></Abstract></Article></MedlineCitation></eCitation>
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_reports_under_licence_become_pairs(tmp_path):
    [program] = blocks("python")
    (tmp_path / "pairs.py").write_text(program, encoding="utf-8")
    folder = tmp_path / "reports" / "p10"
    folder.mkdir(parents=True)
    (folder / "s1.txt").write_text(MIMIC, encoding="utf-8")
    (folder / "s2.txt").write_text(MIMIC.replace("IMPRESSION", "ADDENDUM"), encoding="utf-8")
    (folder / "3.xml").write_text(OPEN_I, encoding="utf-8")
    (folder / "4.xml").write_text(OPEN_I.replace("No acute disease.", ""), encoding="utf-8")
    subprocess.run([sys.executable, "pairs.py", "reports", "out.jsonl"], cwd=tmp_path, check=True)
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()] == [
        {"prompt": "Heart size normal. Lungs <clear>.", "completion": "No acute disease."},
        {"prompt": "The lungs are clear. There is no pleural effusion.", "completion": "No acute process."}]


def test_every_command_of_the_page_works(tmp_path):
    start, *steps = blocks("sh")
    assert start.startswith("craton up &") and len(steps) == 8
    (tmp_path / "demo").symlink_to(ROOT / "demo")
    program = pathlib.Path(os.environ["CRATON_BIN"]).parent
    paths = [str(program), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]
    # A step says where it begins, so that what it printed can be looked at apart.
    script = "set -euo pipefail\n" + "".join(f"echo '== {number}'\n{step}" for number, step in enumerate(steps, 1))
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env={**os.environ, "SAMPLE": "1", "PATH": os.pathsep.join(paths)},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = dict(enumerate(re.split(r"^== \d+\n", done.stdout, flags=re.MULTILINE)))
    assert "hernia" in said[2]
    assert "Completed" in said[4] and re.search(r"\bdev1 +rag +Completed\b", said[4])
    assert "Builtin.Faithfulness" in said[5] and "not calibrated" in said[5] and "retrieved sources: 10" in said[5]
    # Of the model that wrote the answers, too; a card tells what it took.
    [read, written] = re.search(r"generator (\d+) read, (\d+) written", said[5]).groups()
    assert int(read) > 500 and int(written) > 0
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    [results] = (tmp_path / "results").rglob("*_output.jsonl")
    [turn] = json.loads(results.read_text(encoding="utf-8"))["conversationTurns"]
    assert len(turn["output"]["retrievedPassages"]["retrievalResults"]) == 10 and len(turn["results"]) == 8
    assert "not distinguishable" in said[6] and "HYBRID 10" in said[6] and "SEMANTIC 3" in said[6]
    assert "Builtin.Correctness" in said[7] and "not calibrated" not in said[7]
    assert "by 20 answers that people rated" in said[7] and "quadratic-weighted kappa" in said[7]
    assert re.findall(r"^deleted \S+ (\S+)$", said[8], flags=re.MULTILINE) == ["dev1", "dev1-few", "rated"]
