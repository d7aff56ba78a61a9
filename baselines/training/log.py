"""log.csv: one row for every few steps, with the mean loss since the row before."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from lldata.publish import write_replacing

Row = dict[str, float | int]


class Log:
    """The rows so far, and the losses that are not in one yet."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.rows: list[Row] = []
        self.sums: dict[str, Tensor] = {}  # stay on the device: no waiting
        self.counts: dict[str, int] = {}
        self.began = time.monotonic()

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Take in the losses of a step."""
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0) + loss.detach()
            self.counts[name] = self.counts.get(name, 0) + 1

    def share(self) -> None:
        """Put the means over all processes in place of the open losses: all hold the same then."""
        for name, total in self.sums.items():
            self.sums[name] = torch.as_tensor(self.fabric.all_reduce(total, reduce_op="mean"))

    def row(self, step: int, epoch: int, learning_rate: float) -> Row:
        """Close a row: the mean losses since the last one, over all processes."""
        means: Row = {"step": step, "epoch": epoch, "learning_rate": learning_rate}
        for name, total in self.sums.items():
            mean = self.fabric.all_reduce(total / self.counts[name], reduce_op="mean")
            means[name] = float(mean) if isinstance(mean, Tensor) else float("nan")
        self.sums, self.counts = {}, {}
        self.rows.append(means | {"seconds": round(time.monotonic() - self.began, 2)})
        return self.rows[-1]

    def score(self, scores: Mapping[str, float]) -> None:
        """Put validation scores into the last row."""
        self.rows[-1].update({f"val_{name}": value for name, value in scores.items()})

    def write(self, path: Path) -> None:
        """Write all rows; a column that a row lacks stays empty."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_replacing(path, text.getvalue().encode())

    def state_dict(self) -> dict[str, Any]:
        """Return the rows and the open losses."""
        seconds = time.monotonic() - self.began
        return {"rows": self.rows, "sums": self.sums, "counts": self.counts, "seconds": seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take them back; the clock goes on from where it stopped."""
        self.rows = state_dict["rows"]
        place = self.fabric.device
        self.sums = {name: total.to(place) for name, total in state_dict["sums"].items()}
        self.counts = state_dict["counts"]
        self.began = time.monotonic() - state_dict["seconds"]
