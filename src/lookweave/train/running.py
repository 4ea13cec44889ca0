"""What every recipe's run needs: schedule, averaged weights, checkpoints."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn


def seed_everything(seed: int) -> None:
    """Make what follows repeatable on one machine."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def use_threads(count: int) -> None:
    """Give torch `count` threads, and OpenCV one for each sample that is made beside others."""
    torch.set_num_threads(count)
    cv2.setNumThreads(1)


def sample_generator(seed: int, epoch: int, place: int) -> np.random.Generator:
    """The generator of one sample: the same whatever ran before it, in whichever thread."""
    return np.random.default_rng([seed, epoch, place])


def cosine_rate(progress: float, warm_up: float = 0.03) -> float:
    """The factor on the learning rate at `progress` in 0..1: linear warm-up, then a cosine."""
    if progress < warm_up:
        return max(progress, 1e-3) / warm_up
    along = (min(progress, 1.0) - warm_up) / (1 - warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * along))


class Clock:
    """Progress by steps or by minutes, whichever is further: a run ends when it must.

    With `minutes` None progress depends on the steps alone and a seeded run repeats exactly;
    with a limit the learning rate still comes down in time, on a machine of any speed.
    """

    def __init__(self, total_steps: int, minutes: float | None, spent_seconds: float = 0.0) -> None:
        self.total_steps = total_steps
        self.minutes = minutes
        self._started = time.monotonic() - spent_seconds

    @property
    def spent_seconds(self) -> float:
        """Seconds of training, those before a resumption included."""
        return time.monotonic() - self._started

    def progress(self, steps: int) -> float:
        """How far the run is after `steps` steps, 0..1."""
        by_steps = steps / max(1, self.total_steps)
        by_time = 0.0 if self.minutes is None else self.spent_seconds / (60 * self.minutes)
        return min(1.0, max(by_steps, by_time))


def cut_short(epochs: int, planned: int, minutes: float | None) -> list[str]:
    """What a page must say of a run that its time limit ended, as a list of limits."""
    if minutes is None or epochs >= planned:
        return []
    return [
        f"the run was ended by its limit of {minutes:g} minutes after {epochs} of {planned}"
        " planned epochs; it would have gone on learning"
    ]


class AveragedWeights:
    """Exponential moving average of a network's weights (Polyak averaging), for evaluation."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network; quickly at first, when the average is of little."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(dict(content), part)
    part.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What `save_checkpoint` wrote; tensors and plain values only are unpickled."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content
