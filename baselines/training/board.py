"""TensorBoard: the rows of the log and the sample pictures, beside log.csv."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from baselines.training.log import Row

FOLDER = "tensorboard"


class Board:
    """Event files of one run. Steps that a former run wrote after `start` are taken back.

    Parameters
    ----------
    folder : of the training
    start : the step that is gone on after; 0 of a new run
    """

    def __init__(self, folder: Path, start: int) -> None:
        self._writer = SummaryWriter(str(folder / FOLDER), purge_step=start + 1)

    def row(self, row: Row) -> None:
        """Write a row of the log: a scalar for each of its columns."""
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(row["step"]))

    def picture(self, step: int, path: Path) -> None:
        """Write a sample picture, a PNG."""
        with Image.open(path) as image:
            pixels = np.asarray(image)
        self._writer.add_image("sample", pixels, step, dataformats="HWC")

    def flush(self) -> None:
        """Leave nothing unwritten."""
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
