"""Pairs one after the other in one process: read ahead, scored behind, the method in between.

While a pair is in the method, the next one is read (and rendered, where the method reads
pictures) and the last one is scored and kept: three pairs are in memory, whatever their number.
The seconds of a method are those of pairs that had the machine to themselves: some of each run,
spread over it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from eval.metrics.scoring import THROUGH_PYIQA
from eval.running.conditions import conditions_of
from eval.running.pairs import Finished, Job, finish, stages_of
from eval.running.stages import Given

FEWEST, MOST = 3, 20  # pairs timed besides the first, which warms the process
SHARE = 4  # at most one in so many, where that is no fewer


def timed(pairs: Sequence[str]) -> frozenset[str]:
    """Return the pairs of a run that nothing is computed beside, so that their seconds count.

    The first, and others evenly spread: a quarter, but 3 at least and 20 at most.
    """
    last = len(pairs) - 1
    steps = min(max(math.ceil(len(pairs) / SHARE), FEWEST), MOST, max(last, 1))
    return frozenset(pairs[round(step * last / steps)] for step in range(steps + 1))


def overlapped(job: Job, pairs: Sequence[str], alone: frozenset[str]) -> Iterator[Finished]:
    """Read, run, score and keep pairs, and yield each in its turn.

    An error of a pair comes in its turn, too; the pairs before it are kept.

    Parameters
    ----------
    pairs : of frames or pictures
    alone : those that nothing is computed beside
    """
    stages = stages_of(job)
    ahead: deque[Future[Given]] = deque()
    behind: deque[Future[Finished]] = deque()
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as scorer:

        def read(number: int) -> None:
            for pair in pairs[number : number + 1]:
                ahead.append(reader.submit(stages.read, pair, rendered=pair not in alone))

        read(0)
        score = _scoring(job, scorer)
        try:
            for number, pair in enumerate(pairs):
                given = ahead.popleft().result()
                if pair in alone:
                    yield from _ended(behind)
                else:
                    read(number + 1)
                made = stages.run(given)
                conditions = conditions_of(stages.method, job.workers)
                behind.append(score(finish, job, made, conditions, timed=pair in alone))
                del given, made
                if pair in alone:
                    read(number + 1)
                yield from _ended(behind, but=1)
            yield from _ended(behind)
        finally:
            for scoring in behind:  # what was made before an interruption or an error is kept
                scoring.result()


def _ended(behind: deque[Future[Finished]], but: int = 0) -> Iterator[Finished]:
    """Yield the results of all but so many, in their order."""
    while len(behind) > but:
        yield behind.popleft().result()


def _scoring(job: Job, scorer: ThreadPoolExecutor) -> Callable[..., Future[Finished]]:
    """Return what scores: in a thread, unless that would disturb the method.

    Metrics of pyiqa set the seed of everything that torch draws.
    """
    if any(name.startswith(THROUGH_PYIQA) for name in job.metrics):
        return _at_once
    return scorer.submit


def _at_once(work: Callable[..., Finished], *args: Any, **options: Any) -> Future[Finished]:
    future: Future[Finished] = Future()
    future.set_result(work(*args, **options))
    return future
