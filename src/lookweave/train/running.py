"""What every recipe's run needs: schedule, averaged weights, checkpoints, and the loop itself."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from lookweave.errors import InputError
from lookweave.train.curves import draw_curves
from lookweave.train.progress import step_progress

_console = Console(stderr=True)

Weights = dict[str, Tensor]


def seed_everything(seed: int) -> None:
    """Make what follows repeatable on one machine."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def use_threads(count: int) -> None:
    """Give torch `count` threads, and OpenCV one for each sample that is made beside others."""
    torch.set_num_threads(count)
    cv2.setNumThreads(1)


def device_of(name: str) -> torch.device:
    """The device to train on: `name`, or for ``auto`` a CUDA card where there is one.

    Raises:
        InputError: a card is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("torch sees no CUDA card here; train with --device cpu.")
    # What cuDNN takes untried for depthwise gradients at half precision is ten times as slow.
    torch.backends.cudnn.benchmark = True
    return torch.device(name)


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
        means: list[Tensor] = []
        values: list[Tensor] = []
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                means.append(self.state[name])
                values.append(value)
            else:
                self.state[name].copy_(value)
        torch._foreach_lerp_(means, values, 1 - decay)

    def restore(self, state: Weights, updates: int) -> None:
        """Go on from stored averages, on the device where these lie."""
        for name, value in state.items():
            self.state[name].copy_(value)
        self.updates = updates

    def copy(self) -> Weights:
        """The averages as they are now, in main memory."""
        return {name: value.detach().cpu().clone() for name, value in self.state.items()}


def mean_weights(several: Sequence[Weights]) -> Weights:
    """The mean of several runs, statistics of batch norm included; counters are the first's."""
    first, *others = several
    return {
        name: torch.stack([value, *(other[name] for other in others)]).mean(0)
        if value.dtype.is_floating_point
        else value
        for name, value in first.items()
    }


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


class TrainingRun:
    """Modules on their way: optimiser, averaged weights, history, the best so far; resumable.

    Attributes:
        averaged: the moving average of the network's weights.
        best: of those the ones that validation liked best.
        history: a row for each stage, see `fit`.
    """

    def __init__(
        self, network: nn.Module, groups: Sequence[Mapping[str, Any]], *, checkpoint: Path,
        weight_decay: float, averaging: float, beside: Sequence[nn.Module] = (),
        resume: bool = True,
    ) -> None:  # fmt: skip
        """Args:
        groups: of parameters, each with its ``rate`` and what else AdamW takes.
        beside: modules that are trained and stored with the network but not averaged (losses).
        """
        self.network = network
        self.checkpoint = checkpoint
        self.optimiser = torch.optim.AdamW(
            [dict(group) for group in groups], lr=1e-3, weight_decay=weight_decay
        )
        self.averaged = AveragedWeights(network, averaging)
        self.best: Weights = self.averaged.copy()
        self.best_quality = -1.0
        self.history: list[dict[str, float]] = []
        self.steps = 0
        self.spent_seconds = 0.0
        self._beside = nn.ModuleList(beside)
        if resume and checkpoint.exists():
            self._restore()

    def _restore(self) -> None:
        stored = load_checkpoint(self.checkpoint)
        self.network.load_state_dict(stored["network"])
        self._beside.load_state_dict(stored["beside"])
        self.optimiser.load_state_dict(stored["optimiser"])
        self.averaged.restore(stored["averaged"], stored["updates"])
        for name in _PLAIN:
            setattr(self, name, stored[name])

    def save(self) -> None:
        """Write the checkpoint of the stage that has just ended."""
        content = {
            "network": self.network.state_dict(),
            "beside": self._beside.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "averaged": self.averaged.state,
            "updates": self.averaged.updates,
        }
        save_checkpoint(self.checkpoint, content | {name: getattr(self, name) for name in _PLAIN})

    def step(self, loss: Tensor, progress: float) -> float:
        """One step of the optimiser down `loss`, whose value is given back."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * cosine_rate(progress)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.averaged.update(self.network)
        self.steps += 1
        return float(loss.detach())


_PLAIN = ("best", "best_quality", "history", "steps", "spent_seconds")


class Recipe(Protocol):
    """What a recipe does in the loop; B is whatever its batches are."""

    title: str

    def batches(self, first: int) -> Iterator[Any]:
        """The batches from step `first` on, without end."""
        ...

    def loss(self, batch: Any) -> Tensor:
        """The loss of a batch, a scalar."""
        ...

    def quality(self, weights: Weights) -> dict[str, float]:
        """Measures on validation data, 0..1; the first decides which weights are best."""
        ...


@dataclass(frozen=True)
class Budget:
    """How long a run is.

    Attributes:
        steps: of the optimiser.
        stage: steps between two validations; the run can be resumed after each.
        minutes: the run ends after this long at the latest; None lets the steps decide.
        patience: stages without better weights after which the run stops.
    """

    steps: int
    stage: int
    minutes: float | None = None
    patience: int = 3


def _stages_since_best(run: TrainingRun) -> int:
    """What `fit` had counted when a run was stopped, so that one out of patience stays ended."""
    for place, row in enumerate(run.history):
        # The first of equals: one that is as good is not better.
        if next(row[name] for name in row if name.startswith("validation ")) >= run.best_quality:
            return len(run.history) - 1 - place
    return len(run.history)


def fit(
    run: TrainingRun, recipe: Recipe, budget: Budget,
    after_stage: Callable[[TrainingRun], None] | None = None,
) -> None:  # fmt: skip
    """Train until the budget is spent or validation sees nothing better any more."""
    clock = Clock(budget.steps, budget.minutes, run.spent_seconds)
    since_best = _stages_since_best(run)
    if clock.progress(run.steps) >= 1 or since_best >= budget.patience:
        return  # ended before: no line for it
    with step_progress(recipe.title) as progress_bar:
        while clock.progress(run.steps) < 1 and since_best < budget.patience:
            stage = len(run.history) + 1
            losses: list[float] = []
            batches = recipe.batches(run.steps)
            for batch in batches:
                progress = clock.progress(run.steps)
                run.network.train()
                losses.append(run.step(recipe.loss(batch), progress))
                progress_bar(stage, progress, losses[-1], len(batch[0]))
                if len(losses) >= budget.stage or clock.progress(run.steps) >= 1:
                    break
            quality = recipe.quality(run.averaged.state)
            since_best += 1
            chosen = next(iter(quality.values()))
            if chosen > run.best_quality:
                run.best_quality, since_best = chosen, 0
                run.best = run.averaged.copy()
            run.spent_seconds = clock.spent_seconds
            run.history.append(
                {
                    "epoch": float(stage),
                    "loss": float(np.mean(losses)),
                    **{f"validation {name}": value for name, value in quality.items()},
                    "minutes": run.spent_seconds / 60,
                }
            )
            run.save()
            picture = run.checkpoint.with_name(f"{recipe.title}-curves.png")
            draw_curves(picture, run.history, recipe.title)
            _console.print({key: round(value, 3) for key, value in run.history[-1].items()})
            if after_stage is not None:
                after_stage(run)
