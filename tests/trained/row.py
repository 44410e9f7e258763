"""What a row is: a trained network, data that it calibrates on, other data that it is judged by, its task's metric."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from trained.scores import Scores


@dataclass(frozen=True)
class Data:
    """Samples on the first axis. No sample of `test` is in `calibration`, nor from what `calibration` was cut from."""

    calibration: np.ndarray
    test: np.ndarray
    truth: Any = None  # what the metric compares with, where that is not the float network


@dataclass(frozen=True)
class TrainedNetwork:
    """`score(outputs, wanted, truth)`: outputs of a file and those of PyTorch, arrays in the network's order."""

    make: Callable[[int], nn.Module]  # from a seed, which networks out of packages do not read
    data: Callable[[], Data]
    metric: str  # in percent, more is better
    score: Callable[[list, list, Any], Scores]
    floor: float  # least SQNR in dB of the default recipe's file; README.md says how it was chosen
    batch: int = (
        0  # samples that the graph takes at once, where recurrent layers make a symbolic size slow; 0: any number
    )
    largest_loss: float | None = None  # points that the default recipe may cost, as the mean of all seeds
    seeds: int = 1  # networks of `make accuracy`, for those that are trained here
    in_tests: bool = False  # part of `make test`
