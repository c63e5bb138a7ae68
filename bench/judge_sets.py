"""What judges are measured on: records with the labels that people gave. Those of a `group` are about the same material, so that their labels and
scores are not independent."""
import csv
import gzip
import json


def mtrag(folder):
    """Turns with passages, a reference and three people's ratings from 1 to 4."""
    with gzip.open(folder / "judge-mtrag-human" / "mtrag_human.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, task in enumerate(map(json.loads, lines)):
            said = [turn.get("text", "") for turn in task["conversation"]]
            passages = [p["text"] if isinstance(p, dict) else p for p in task["passages"]]
            for response in task["responses"]:
                human = {name: round((rated["median"] - 1) / 3 * 4) for name, rated in response["human"].items()}
                yield {"group": number, "prompt": said[-1], "passages": passages, "reference": task["reference"],
                       "answer": response["response"], "labels": {"Builtin.Faithfulness": human["faithfulness"], "Builtin.Completeness": human["completeness"]}}


def begin(folder):
    """Replies that people call attributable to a snippet, or not."""
    labels = {"Fully attributable": 4, "Not fully attributable": 0}
    with gzip.open(folder / "judge-begin-wow" / "begin_wow.csv.gz", "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["begin_label"] in labels:
                yield {"group": row["knowledge"], "prompt": row["message"] or "-", "passages": [row["knowledge"]], "reference": None,
                       "answer": row["response"], "labels": {"Builtin.Faithfulness": labels[row["begin_label"]]}}


def mts(folder):
    """Summaries of doctors' dialogues with experts' factual precision and recall."""
    with gzip.open(folder / "judge-mts-manual" / "mts_manual_scores.csv.gz", "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            precision, recall = float(row["factual_precision"]), float(row["factual_recall"])
            yield {"group": row["dialogue"], "prompt": "Summarize the dialogue.\n" + row["dialogue"], "passages": [row["dialogue"]],
                   "reference": row["reference_summary"], "answer": row["automatic_summary"] or "-",
                   "labels": {"Builtin.Completeness": round(recall * 4),
                              "Builtin.Correctness": 2 if precision >= 0.95 else 1 if precision >= 0.5 else 0}}


def many(folder):
    """Replies to be judged by five metrics from ten passages each: what they were written from, and nine of other replies."""
    records = list(begin(folder))
    for at, record in enumerate(records):
        others = [records[(at + 7 * step) % len(records)]["passages"][0] for step in range(1, 10)]
        yield {**record, "passages": record["passages"] + others, "labels": {}}


SETS = {"mtrag": mtrag, "begin": begin, "mts": mts, "many": many}
# What everybody judges of each set; of `many` only we do.
METRICS = {"mtrag": ["Builtin.Faithfulness", "Builtin.Correctness"], "begin": ["Builtin.Faithfulness"], "mts": ["Builtin.Correctness"],
           "many": ["Builtin.Correctness", "Builtin.Completeness", "Builtin.Helpfulness", "Builtin.LogicalCoherence", "Builtin.Faithfulness"]}
