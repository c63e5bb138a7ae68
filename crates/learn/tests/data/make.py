"""Makes golden.json: what the packages of the field say, for crates/learn/tests/golden.rs.

    pip install rouge-score==0.1.2 scipy scikit-learn krippendorff statsmodels
    python make.py
"""
import json
import pathlib
import random
import string
import re
from collections import Counter

import krippendorff
import numpy as np
from rouge_score import rouge_scorer
from nltk.stem.porter import PorterStemmer
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar

rng = random.Random(7)
WORDS = ("the a of and heart lung lungs pleural effusion effusions no normal normally size right left moderate "
         "hernia hernias generalization conditional happily relational dying skies news ponies agreed failing hopping "
         "sized geologically vietnamization electricity x-ray 12 mm 3.5 café naïve it's its İstanbul K").split()


def text(words=WORDS):
    return "".join(rng.choice(words) + rng.choice([" ", " ", " ", ", ", ".\n", "\n", "-"]) for _ in range(rng.randint(0, 30)))


def squad_normal(s):
    s = "".join(c for c in s.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", s).split())


def squad_f1(p, r):
    p, r = squad_normal(p).split(), squad_normal(r).split()
    if not p or not r:
        return float(p == r)
    same = sum((Counter(p) & Counter(r)).values())
    if not same:
        return 0.0
    a, b = same / len(p), same / len(r)
    return 2 * a * b / (a + b)


def rouge(p, r, stem):
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    s = rouge_scorer.RougeScorer(names, use_stemmer=stem).score(r, p)
    return [[s[n].precision, s[n].recall, s[n].fmeasure] for n in names]


def overlaps():
    pairs = [("", ""), ("a", ""), ("", "a b"), ("The cat.", "a cat"), ("a\n\nb c\nc", "c b\na b c")]
    pairs += [(text(), text()) for _ in range(60)]
    return [{"prediction": p, "reference": r, "plain": rouge(p, r, False), "stemmed": rouge(p, r, True),
             "exact": squad_normal(p) == squad_normal(r), "f1": squad_f1(p, r)} for p, r in pairs]


def stems():
    stemmer = PorterStemmer()
    ends = ["", "s", "sses", "ies", "ed", "eed", "ied", "ing", "y", "ational", "tional", "enci", "anci", "izer", "bli", "alli",
            "entli", "eli", "ousli", "ization", "ation", "ator", "alism", "iveness", "fulness", "ousness", "aliti", "iviti",
            "biliti", "fulli", "logi", "icate", "ative", "alize", "iciti", "ical", "ful", "ness", "al", "ance", "ence", "er",
            "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "tion", "ou", "ism", "ate", "iti", "ous", "ive", "ize",
            "e", "ll", "tt", "at", "bl", "iz"]
    roots = ["", "h", "tr", "y", "oy", "fall", "hop", "snow", "gyr", "relat", "commun", "b3", "control", "syz"]
    words = sorted({r + e for r in roots for e in ends} | {"sky", "skies", "dying", "lying", "tying", "news", "innings", "exceed"})
    return [[w, stemmer.stem(w)] for w in words if w]


def finite(x):
    return None if x is None or not np.isfinite(x) else float(x)


def agreements():
    out = []
    for n, k in [(1, 2), (5, 2), (30, 3), (80, 5), (200, 7), (50, 1)]:
        a = [rng.randrange(k) for _ in range(n)]
        b = [min(k - 1, max(0, x + rng.choice([0, 0, 0, 1, -1]))) for x in a]
        x = [c + rng.choice([0, 0.25, 0.5]) for c in b]
        with np.errstate(all="ignore"):
            out.append({
                "a": a, "b": b, "x": x, "categories": k,
                "kappa": finite(cohen_kappa_score(a, b, labels=list(range(k)))),
                "quadratic": finite(cohen_kappa_score(a, b, labels=list(range(k)), weights="quadratic")),
                "balanced": finite(balanced_accuracy_score(a, b)),
                "spearman": finite(stats.spearmanr(a, x).statistic) if n > 1 else None,
                "kendall": finite(stats.kendalltau(a, x).statistic) if n > 1 else None,
                "pearson": finite(np.corrcoef(a, x)[0, 1]) if n > 1 else None,
            })
    return out


def alphas():
    out = []
    for raters, n, k in [(2, 12, 3), (3, 30, 5), (4, 20, 4)]:
        truth = [rng.randrange(k) for _ in range(n)]
        data = [[None if rng.random() < 0.2 else float(min(k - 1, max(0, t + rng.choice([0, 0, 1, -1])))) for t in truth]
                for _ in range(raters)]
        table = np.array([[np.nan if v is None else v for v in row] for row in data])
        alpha = {level: krippendorff.alpha(reliability_data=table, level_of_measurement=level)
                 for level in ["nominal", "ordinal", "interval"]}
        out.append({"units": [list(u) for u in zip(*data)], **alpha})
    return out


def bootstraps():
    out = []
    for n, seed in [(1, 1), (20, 42), (150, 9)]:
        a, b = [rng.randrange(5) / 4 for _ in range(n)], [rng.randrange(5) / 4 for _ in range(n)]
        r, means, differences = random.Random(seed), [], []
        for _ in range(1000):
            at = [r.randrange(n) for _ in range(n)]
            means.append(float(np.mean([a[i] for i in at])))
            differences.append(float(np.mean([a[i] - b[i] for i in at])))
        quantiles = lambda v: [float(np.quantile(v, 0.025)), float(np.quantile(v, 0.975))]
        p = min(1.0, 2 * min(np.mean([d <= 0 for d in differences]), np.mean([d >= 0 for d in differences])))
        out.append({"a": a, "b": b, "seed": seed, "mean": quantiles(means), "difference": quantiles(differences), "p": float(p)})
    return out


def samples():
    out = []
    for seed, n, k in [(42, 2000, 1000), (42, 1000, 1000), (42, 91544, 1000), (42, 10, 4), (42, 21, 5), (42, 22, 5),
                       (42, 1045, 260), (42, 1046, 260), (7, 5, 0), (0, 1, 1), (2**40 + 5, 300, 12), (1, 2**33, 6)]:
        r = random.Random(seed)
        drawn = r.sample(range(n), k)
        out.append({"seed": seed, "population": n, "count": k, "first": drawn[:5], "last": drawn[-5:],
                    "sum": sum((i + 1) * d for i, d in enumerate(drawn)) % (2**53), "unit": r.random(),
                    "bits": [str(r.getrandbits(b)) for b in (1, 31, 32, 33, 64)]})
    r = random.Random(3)
    items = list(range(17))
    r.shuffle(items)
    return {"samples": out, "shuffled": items}


def isotonic():
    out = []
    for n in (1, 8, 60):
        x = [rng.randrange(12) / 4 for _ in range(n)]
        y = [a + rng.random() for a in x]
        w = [rng.choice([0.5, 1.0, 2.0]) for _ in range(n)]
        at = [-1.0, 0.1, 0.6, 1.3, 2.0, 2.74, 9.0]
        out.append({"x": x, "y": y, "w": w, "at": at,
                    "values": IsotonicRegression(out_of_bounds="clip").fit(x, y, sample_weight=w).predict(at).tolist()})
    return out


def logistic():
    out = []
    for n, k, balanced, c in [(40, 2, False, 1.0), (60, 2, True, 0.3), (90, 3, False, 2.0), (90, 4, True, 1.0)]:
        items = [[round(rng.gauss(0, 1), 3) for _ in range(3)] for _ in range(n)]
        given = [min(k - 1, max(0, int(v[0] + v[1] * 0.5 + rng.gauss(0, 0.7) + k / 2))) for v in items]
        given[:k] = range(k)
        m = LogisticRegression(C=c, tol=1e-10, max_iter=100000, class_weight="balanced" if balanced else None).fit(items, given)
        out.append({"items": items, "given": given, "classes": k, "balanced": balanced, "c": c,
                    "rows": [list(a) + [b] for a, b in zip(m.coef_.tolist(), m.intercept_.tolist())],
                    "probabilities": m.predict_proba(items[:5]).tolist()})
    return out


golden = {
    "overlaps": overlaps(), "stems": stems(), "agreements": agreements(), "alphas": alphas(), "bootstraps": bootstraps(),
    "mcnemar": [[b, c, float(mcnemar([[0, b], [c, 0]], exact=True).pvalue)] for b, c in
                [(0, 0), (1, 0), (5, 5), (3, 12), (40, 70), (900, 1000)]],
    "random": samples(), "isotonic": isotonic(), "logistic": logistic(),
}
path = pathlib.Path(__file__).parent / "golden.json"
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
print(path.stat().st_size)
