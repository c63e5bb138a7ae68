"""What is kept of judges between runs: a file for each judge, model and set, and for what figures depend on beside these, its making: Craton's
sources, the machine, the versions of packages, and the records with what is measured on them. What another making kept is neither gone on with
nor shown beside this one's. One line of a file says its making, the others are {"record", "seconds", "tokens", "scores"}.
"""
import hashlib
import importlib.metadata
import json
import pathlib
import platform
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = {"craton": [], "ragas": ["ragas", "instructor", "openai"], "deepeval": ["deepeval", "openai"]}


def digest(of):
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:12]


#: What figures come from: Craton's sources, and what asks the judges.
SOURCES = ["crates", "Cargo.lock", "bench/judge.py", "bench/judge_peers.py", "bench/judge_sets.py"]


def build():
    """The sources here: a digest of what is committed, and one of what is not."""
    git = lambda *arguments: subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
    changes = hashlib.sha256(git("diff", "HEAD", "--", *SOURCES))
    empty = changes.hexdigest() == hashlib.sha256().hexdigest()
    for path in filter(None, git("ls-files", "--others", "--exclude-standard", "-z", "--", *SOURCES).decode().split("\0")):
        changes.update((ROOT / path).read_bytes())
        empty = False
    tree = hashlib.sha256(git("ls-tree", "HEAD", "--", *SOURCES)).hexdigest()[:12]
    return tree if empty else f"{tree}+{changes.hexdigest()[:8]}"


def machine():
    """The processor with its cores, and the GPUs."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    told = f"{len(names)} × {names[0]}" if names else platform.processor() or platform.machine()
    if shutil.which("nvidia-smi"):
        gpus = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True).stdout
        told = ", ".join([told, *gpus.split("\n")]).rstrip(", ")
    return told


def making(who, records, of_build):
    """All that a judge's figures on records of this digest depend on."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES[who.removesuffix("-constrained")]}
    return {"build": of_build, "machine": machine(), "packages": packages, "records": records}


class Kept:
    """What is kept of a judge on a set: `rows` by the place of the record."""

    def __init__(self, path):
        self.path, self.head, self.rows = path, None, {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for row in filter(None, map(complete, lines)):
            if "making" in row:
                self.head = row
            else:
                self.rows[row["record"]] = row

    @classmethod
    def begin(cls, folder, who, model, name, made):
        """That of this making, begun where nothing was."""
        folder.mkdir(parents=True, exist_ok=True)
        safe = model.replace("/", "_").replace(":", "_")
        kept = cls(folder / f"{who}.{safe}.{name}.{digest(made)}.jsonl")
        if kept.path.exists():
            # What was being written when a run was killed stays a line of its own, and is none.
            with kept.path.open("a", encoding="utf-8") as lines:
                lines.write("\n")
        if kept.head is None:
            kept.head = {"who": who, "model": model, "set": name, "making": made}
            kept.add([kept.head])
        return kept

    def add(self, rows):
        with self.path.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows)


def complete(line):
    """The line's object; none of the last line of a run that was killed while it wrote."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def of_build(folder, wanted, records):
    """By machine, what this build kept of the sets with records of these digests, by (judge, model, set). Of several versions of a package
    the one that was written last. Beside it, all builds that kept something."""
    found, builds = {}, set()
    for path in sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
        kept = Kept(path)
        if kept.head is None:
            continue
        made, name = kept.head["making"], kept.head["set"]
        builds.add(made["build"])
        if made["build"] == wanted and made["records"] == records.get(name):
            found.setdefault(made["machine"], {})[kept.head["who"], kept.head["model"], name] = kept
    return found, builds
