"""Two variants of a recorded experiment, kind by kind and slice by slice: measures, differences and their intervals.

    python -m benchmarks.groups EXPERIMENT_FOLDER --of "recursive 200+20 dense" --against "recursive 200+20 hybrid"

Of `--against` less `--of` for each group of queries, with its 95% interval (paired bootstrap, 10,000 draws, seeded). Groups
are many and most are small, and intervals of a few queries are too narrow: a star marks what more than chance explains, by
the paired randomisation test (Fisher; 10,000 sign flips) with Holm's correction over all groups of at least `--least` queries.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.statistics import SEED, Interval, holm, paired_bootstrap

ALPHA, FLIPS = 0.05, 10_000


def groups(queries: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """The name of each group and which rows belong to it: all, each kind, each slice; larger ones first."""
    yield "all", pd.Series(True, index=queries.index)
    for kind in queries["kind"].dropna().value_counts().index:
        yield f"kind: {kind}", queries["kind"] == kind
    slices = queries["slices"].explode().value_counts()
    for name in slices.index:
        yield f"slice: {name}", queries["slices"].map(lambda held, name=name: name in held)


def compared(
    folder: Path, of: str, against: str, measure: str, least: int
) -> Iterator[tuple[str, int, float, float, Interval, str]]:
    """Of each group: its name, its queries, both means, their difference, and a mark where it is more than chance."""
    table = pd.read_parquet(folder / "queries.parquet")
    names = sorted(table["variant"].unique())
    for name in (of, against):
        if name not in names:
            raise SystemExit(f"{folder} has no variant '{name}'; it has: {', '.join(names)}")
    before = table[table["variant"] == of].reset_index(drop=True)
    after = table[table["variant"] == against].set_index("query").loc[before["query"]].reset_index()
    found, chances = [], []
    for name, rows in groups(before):
        if rows.sum() >= least:
            mine, theirs = (held.loc[rows, measure].to_numpy(dtype=np.float64) for held in (after, before))
            chances.append(chance(mine - theirs))
            found.append((name, int(rows.sum()), theirs.mean(), mine.mean(), paired_bootstrap(list(mine), list(theirs))))
    marks = [chances[0] <= ALPHA, *holm(chances[1:], alpha=ALPHA)]  # the whole is not one of the groups
    for row, holds in zip(found, marks, strict=True):
        yield (*row, "*" if holds else "")


def chance(differences: NDArray[np.float64]) -> float:
    """How often signs thrown by coin give a mean as far from zero as this one: two-sided."""
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), size=(FLIPS, len(differences)))
    as_far = np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12
    return (float(as_far.sum()) + 1) / (FLIPS + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--of", required=True)
    parser.add_argument("--against", required=True)
    parser.add_argument("--measure", default="nDCG@10")
    parser.add_argument("--least", type=int, default=5, help="queries that a group must have")
    asked = parser.parse_args()
    print(f"| {asked.measure} | queries | {asked.of} | {asked.against} | difference | 95% | |\n|---|--:|--:|--:|--:|---|---|")
    for name, queries, before, after, interval, mark in compared(
        asked.folder, asked.of, asked.against, asked.measure, asked.least
    ):
        bounds = f"{interval.low:+.3f} to {interval.high:+.3f}"
        print(f"| {name} | {queries} | {before:.3f} | {after:.3f} | {interval.mean:+.3f} | {bounds} | {mark} |")


if __name__ == "__main__":
    main()
