"""Simulate how often the 95 % interval of a mean holds the truth, and a test errs; write the page.

    python -m tests.benchmarks.study_coverage

Scores are drawn of groups that are alike in nothing but their distribution; every figure is from
the code that makes the intervals and p-values of records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from eval import sign_flips
from eval.clustered import spread_of_mean
from tests.benchmarks.coverage_page import page

DOCS = Path("docs")
GROUPS = (5, 7, 12, 20, 50)
SIZES = {
    "3 pairs each": ((3,), (3,)),
    "one of 4, others 3": ((4,), (3,)),
    "1 to 9": ((1, 9, 2), (1, 6, 3, 4, 2)),
    "one of 30, others 3": ((30,), (3,)),
    "one of 100, others 1 to 4": ((100,), (1, 2, 3, 4)),
}
SHARES = (0.0, 0.1, 0.3, 0.6, 0.9)  # of the variance that is between groups
EFFECTS = ("normal", "exponential", "log-normal")  # of groups; a pair's own is normal
TEST_SHARE = 0.6
TRIALS = {"interval": 20_000, "test": 4_000}
_Array = NDArray[Any]


def main() -> None:
    """Draw, compute and write docs/benchmarks/coverage.json and docs/statistics.md."""
    report = {
        "study": "coverage",
        "trials": TRIALS,
        "columns": ["groups", "sizes", "effects", "share", "covered", "plain"],
        "intervals": list(_intervals()),
        "test_columns": ["groups", "sizes", "effects", "share", "rejected"],
        "tests": list(_tests()),
    }
    (DOCS / "benchmarks" / "coverage.json").write_text(_compact(report), "utf-8")
    (DOCS / "statistics.md").write_text(page(report), "utf-8")


def sizes_of(name: str, groups: int) -> _Array:
    """Return the pairs of each group: the first ones as they are, the others in turn."""
    first, others = SIZES[name]
    return np.array((*first, *np.resize(others, groups - len(first))))


def drawn(
    random: np.random.Generator, sizes: _Array, effects: str, share: float, trials: int
) -> tuple[_Array, _Array]:
    """Return group means (trials, G) and sums of squares within groups (trials,); the truth is 0.

    A score has variance 1, `share` of it between groups.
    """
    shape = (trials, len(sizes))
    if effects == "normal":
        places = random.normal(0, 1, shape)
    elif effects == "exponential":
        places = random.exponential(1, shape) - 1
    else:
        places = (random.lognormal(0, 1, shape) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
    own = random.normal(0, 1, shape) * np.sqrt((1 - share) / sizes)
    freedom = int(sizes.sum()) - len(sizes)
    return np.sqrt(share) * places + own, (1 - share) * random.chisquare(freedom, trials)


def _intervals() -> Iterator[list[Any]]:
    random = np.random.default_rng(6)
    for effects in EFFECTS:
        for groups in GROUPS:
            for name in SIZES:
                sizes = sizes_of(name, groups)
                for share in SHARES:
                    means, within = drawn(random, sizes, effects, share, TRIALS["interval"])
                    covered = _covered(means, within, sizes), _plainly_covered(means, sizes)
                    yield [groups, name, effects, share, *covered]


def _covered(means: _Array, within: _Array, sizes: _Array) -> float:
    """Return how often the interval holds the truth, 0."""
    chances = spread_of_mean(means, within, sizes).beyond(means @ sizes / sizes.sum())
    return float(np.mean(chances > 0.05))


def _plainly_covered(means: _Array, sizes: _Array) -> float:
    """Return how often a cluster-robust interval with t on groups - 1 does."""
    weights, groups = sizes / sizes.sum(), len(sizes)
    found = means @ weights
    squares = np.sum((weights * (means - found[:, None])) ** 2, axis=1)
    error = np.sqrt(squares * groups / (groups - 1))
    return float(np.mean(np.abs(found) <= special.stdtrit(groups - 1, 0.975) * error))


def _tests() -> Iterator[list[Any]]:
    random = np.random.default_rng(7)
    for effects in EFFECTS:
        for groups in GROUPS:
            for name in SIZES:
                sizes = sizes_of(name, groups)
                means, _ = drawn(random, sizes, effects, TEST_SHARE, TRIALS["test"])
                chances = np.concatenate([
                    sign_flips.p_values(part) for part in np.array_split(means * sizes, 8)
                ])  # fmt: skip
                yield [groups, name, effects, TEST_SHARE, float(np.mean(chances <= 0.05))]


def _compact(report: dict[str, Any]) -> str:
    """Return the report as JSON with a line per row."""
    lines = []
    for name, value in report.items():
        rows = isinstance(value, list) and isinstance(value[0], list)
        text = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if rows else json.dumps(value)
        lines.append(f'"{name}": {text}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
