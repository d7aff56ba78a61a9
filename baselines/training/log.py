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
    """The rows so far, and the loss that is not in one yet."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.rows: list[Row] = []
        self.loss = torch.zeros((), device=fabric.device)  # stays on the device: no waiting
        self.count = 0
        self.began = time.monotonic()

    def add(self, loss: Tensor) -> None:
        """Take in the loss of a step."""
        self.loss += loss.detach()
        self.count += 1

    def row(self, step: int, epoch: int, learning_rate: float) -> Row:
        """Close a row: the mean loss since the last one, over all processes."""
        mean = self.fabric.all_reduce(self.loss / self.count, reduce_op="mean")
        loss = float(mean) if isinstance(mean, Tensor) else float("nan")
        self.loss, self.count = torch.zeros_like(self.loss), 0
        self.rows.append(
            {
                "step": step,
                "epoch": epoch,
                "learning_rate": learning_rate,
                "loss": loss,
                "seconds": round(time.monotonic() - self.began, 2),
            }
        )
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
        """Return the rows and the open loss."""
        seconds = time.monotonic() - self.began
        return {"rows": self.rows, "loss": self.loss, "count": self.count, "seconds": seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take them back; the clock goes on from where it stopped."""
        self.rows = state_dict["rows"]
        self.loss.copy_(state_dict["loss"])
        self.count = state_dict["count"]
        self.began = time.monotonic() - state_dict["seconds"]
