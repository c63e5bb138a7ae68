"""What judges came to, as the tables of docs/benchmarks.md: records a second, verdicts that are missing, agreement with people.

Agreement: the records of every other group (those about the same material) fit the thresholds that turn a score into a label of people (those with
the best balanced accuracy), the others tell how good these are. A record without a verdict counts as the commonest label of the first half.
Intervals are of 95 %, by bootstrap over groups; differences are paired. All judges are compared on the records that each of them judged; one that
judged less than a quarter of what another did is left out. How much faster Craton is, is told on the records that both judged.
"""
import random
import statistics

from judge_sets import METRICS

ROUNDS = 2000
# A judge with a smaller share of the records that the most were judged of is left out of the agreement.
LEAST_SHARE = 0.25
COMPUTED = ("Craton.RougeL", "Craton.EmbeddingSimilarity")


def accuracy(pairs):
    """Balanced accuracy of (human, told) labels: the mean recall of the labels that people gave."""
    right, all_of = {}, {}
    for human, told in pairs:
        all_of[human] = all_of.get(human, 0) + 1
        right[human] = right.get(human, 0) + (human == told)
    return statistics.fmean(right[label] / count for label, count in all_of.items())


def thresholds(rows):
    """The cuts between the scores of (score, human) rows that give the best balanced accuracy: (label, least score), ascending."""
    labels = sorted({human for _, human in rows})
    counts = {label: sum(human == label for _, human in rows) for label in labels}
    values = sorted({score for score, _ in rows})
    # best[k][i]: the most that the first i scores give where the last of them has the k-th label at most.
    gain = [[sum(score == value and human == label for score, human in rows) / counts[label] for value in values] for label in labels]
    best, cuts = [0.0] * (len(values) + 1), [[] for _ in range(len(values) + 1)]
    for at, label in enumerate(labels):
        new, ways = list(best), list(cuts)
        for start in range(len(values) + 1):
            sum_of, way = best[start], cuts[start]
            for end in range(start, len(values)):
                sum_of += gain[at][end]
                if sum_of > new[end + 1]:
                    new[end + 1], ways[end + 1] = sum_of, way + [(label, values[start])]
        best, cuts = new, ways
    return cuts[-1]


def told_label(cuts, score):
    return max((cut for cut in cuts if score >= cut[1]), key=lambda cut: cut[1], default=cuts[0])[0]


def agreement(scores, humans, groups):
    """(human, told) by record of the odd groups; `groups` has the number of each record's."""
    fit = [(scores[at], humans[at]) for at in humans if groups[at] % 2 == 0 and scores.get(at) is not None]
    if len({human for _, human in fit}) < 2:
        return None
    cuts, common = thresholds(fit), statistics.mode(humans[at] for at in sorted(humans) if groups[at] % 2 == 0)
    return {at: (humans[at], common if scores.get(at) is None else told_label(cuts, scores[at])) for at in humans if groups[at] % 2 == 1}


def interval(figure, places, groups, seed=42):
    """The figure over all places, and its interval: groups are drawn, each with all of its places."""
    generator, drawn, together = random.Random(seed), [], {}
    for place in places:
        together.setdefault(groups[place], []).append(place)
    together = list(together.values())
    while len(drawn) < ROUNDS:
        drawn.append(figure([place for group in generator.choices(together, k=len(together)) for place in group]))
    drawn.sort()
    return figure(places), drawn[int(0.025 * ROUNDS)], drawn[int(0.975 * ROUNDS) - 1]


def shown(figures, sign=""):
    value, low, high = figures
    return f"{value:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def speed(kept):
    print("| judge | set | metrics | records | records/s | Craton is faster on the same, times (records) | without a verdict | tokens from the cache (what the inputs allow) |\n|---|---|---|---:|---:|---:|---:|---|")
    for (who, model, name), rows in sorted(kept.items(), key=lambda each: (each[0][1], each[0][2], each[0][0] != "craton", each[0][0])):
        if not rows:
            continue
        metrics = METRICS[name]
        verdicts = [row["scores"][metric] for row in rows.values() for metric in metrics if metric in row["scores"]]
        missing = sum(verdict["score"] is None for verdict in verdicts)
        ours = kept.get(("craton", model, name), {})
        both = rows.keys() & ours.keys() if who != "craton" else ()
        times = f"{seconds(rows, both) / seconds(ours, both):.1f} ({len(both)})" if both else ""
        print(f"| {who}, {model} | {name} | {len(metrics)} | {len(rows)} | {len(rows) / seconds(rows, rows):.2f} | {times} | {missing} of {len(verdicts)} | {cached(rows)} |")
    print()


def seconds(rows, places):
    return sum(rows[at]["seconds"] for at in places)


def cached(rows):
    total = lambda key: sum(row["tokens"][key] for row in rows.values() if row["tokens"])
    return f"{total('cached') / total('input'):.0%} ({total('shared') / total('input'):.0%})" if total("input") else ""


def people(kept, sets):
    print("| set, metric | judge | pairs | balanced accuracy | less Craton's expected score |\n|---|---|---:|---:|---:|")
    for name, records in sets.items():
        counts = {(who, model): len(rows) for (who, model, of), rows in kept.items() if of == name}
        few = {judge for judge, count in counts.items() if count < LEAST_SHARE * max(counts.values())}
        for who, model in sorted(few):
            print(f"| {name} | {who}, {model}: left out | {counts[who, model]} of {max(counts.values())} records | | |")
        numbers = {}
        groups = [numbers.setdefault(record["group"], len(numbers)) for record in records]
        for metric in METRICS[name]:
            humans = {at: record["labels"][metric] for at, record in enumerate(records) if metric in record["labels"]}
            methods = {}
            for (who, model, of), rows in sorted(kept.items()):
                if of != name or (who, model) in few:
                    continue
                column = lambda key, metric: {at: row["scores"].get(metric, {}).get(key) for at, row in rows.items()}
                if who == "craton":
                    methods[f"Craton, {model}: expected score"] = column("finer", metric)
                    methods[f"Craton, {model}: label"] = column("score", metric)
                    methods.update({metric_: column("score", metric_) for metric_ in COMPUTED})
                else:
                    methods[f"{who}, {model}"] = column("score", metric)
            # Everybody on the same records.
            judged = [set(scores) for scores in methods.values() if any(score is not None for score in scores.values())]
            common = set.intersection(set(humans), *judged) if judged else set()
            humans = {at: humans[at] for at in sorted(common)}
            told = {method: agreement({at: scores.get(at) for at in humans}, humans, groups) for method, scores in methods.items()}
            told = {method: by_record for method, by_record in told.items() if by_record}
            ours = next((by_record for method, by_record in told.items() if method.endswith("expected score")), None)
            for method, by_record in told.items():
                places = sorted(by_record)
                of = shown(interval(lambda drawn: accuracy([by_record[at] for at in drawn]), places, groups))
                less = "" if ours is None or by_record is ours else shown(interval(
                    lambda drawn: accuracy([by_record[at] for at in drawn]) - accuracy([ours[at] for at in drawn]), places, groups), "+")
                print(f"| {name}, {metric} | {method} | {len(places)} | {of} | {less} |")
            if told:
                print(f"| {name}, {metric} | always the same | | {1 / len(set(humans.values())):.3f} | |")
    print()
