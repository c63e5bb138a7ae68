"""Paired measurements: ours and the peer's in turn, the order flipped each round, and what their ratio tells."""

import random
import statistics


def alternate(ours, peer, rounds):
    """Calls both `rounds` times in alternation; returns two lists of what they return (seconds, or any positive figure)."""
    results = ([], [])
    for number in range(rounds):
        order = ((0, ours), (1, peer)) if number % 2 == 0 else ((1, peer), (0, ours))
        for index, call in order:
            results[index].append(call())
    return results


def ratio(ours, peer, seed=1):
    """Median of the paired ratios ours/peer with a 95 % bootstrap interval: (median, low, high)."""
    ratios = [a / b for a, b in zip(ours, peer)]
    generator = random.Random(seed)
    medians = sorted(statistics.median(generator.choices(ratios, k=len(ratios))) for _ in range(4000))
    return statistics.median(ratios), medians[100], medians[3899]


def row(name, unit, ours, peer):
    """One line of a result table, for figures where more is better."""
    middle, low, high = ratio(ours, peer)
    return (f"| {name} | {statistics.median(ours):.1f} | {statistics.median(peer):.1f} | {unit} | "
            f"{middle:.3f} ({low:.3f}–{high:.3f}) |")


HEAD = "| what | Craton | peer | unit | ratio (95 % interval) |\n|---|---|---|---|---|"
