"""Lookweave pairs product photos of garments with editorial photos of the very same garments.

    >>> import lookweave                                                        # doctest: +SKIP
    >>> workspace = lookweave.build(garments="shop/", looks="campaign/", out="ws")
    >>> workspace.search("red striped shirt")
    >>> workspace.pairs(tier="high").to_pandas()

What stands in `__all__` is public; each name is imported when it is first used.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lookweave.api import Workspace, build, open
    from lookweave.building import BuildResult
    from lookweave.config import Setting
    from lookweave.errors import (
        CeilingReached,
        ConfigError,
        HubUnreachable,
        InputError,
        LookweaveError,
        ModelError,
        PublishError,
        ServerUnusable,
        SystemRefused,
        UnknownModel,
        UsageError,
        WorkError,
        WorkspaceError,
        WorkspaceFull,
        WorkspaceLocked,
    )
    from lookweave.models.card import Card
    from lookweave.models.registry import register_model
    from lookweave.photos.formats import register_photo_format
    from lookweave.pipeline.executors import register_executor
    from lookweave.results import (
        Evaluation,
        Hit,
        Learned,
        Pair,
        Pairs,
        Publication,
        Recall,
        SearchResult,
        Status,
        StepStatus,
    )
    from lookweave.studio.direction import concepts, shots, spread
    from lookweave.studio.judge.rows import Measure
    from lookweave.studio_api import board, campaign, judge, outfits, shoot
    from lookweave.studio_results import Judged, ProbedPicture, ShootResult

_ERRORS = (
    "CeilingReached", "ConfigError", "HubUnreachable", "InputError", "LookweaveError", "ModelError",
    "PublishError", "ServerUnusable", "SystemRefused", "UnknownModel", "UsageError", "WorkError",
    "WorkspaceError", "WorkspaceFull", "WorkspaceLocked",
)  # fmt: skip
_RESULTS = (
    "Evaluation", "Hit", "Learned", "Pair", "Pairs", "Publication", "Recall", "SearchResult",
    "Status", "StepStatus",
)  # fmt: skip
_FROM = {
    **dict.fromkeys(("Workspace", "build", "open"), "api"),
    "BuildResult": "building",
    "Setting": "config",
    **dict.fromkeys(_ERRORS, "errors"),
    **dict.fromkeys(_RESULTS, "results"),
    **dict.fromkeys(("Judged", "ProbedPicture", "ShootResult"), "studio_results"),
    **dict.fromkeys(("board", "campaign", "judge", "outfits", "shoot"), "studio_api"),
    "Card": "models.card",
    "Measure": "studio.judge.rows",
    "register_executor": "pipeline.executors",
    "register_model": "models.registry",
    "register_photo_format": "photos.formats",
    **dict.fromkeys(("concepts", "shots", "spread"), "studio.direction"),
}
"""Public name -> the module it comes from."""

__all__ = [
    "BuildResult",
    "Card",
    "CeilingReached",
    "ConfigError",
    "Evaluation",
    "Hit",
    "HubUnreachable",
    "InputError",
    "Judged",
    "Learned",
    "LookweaveError",
    "Measure",
    "ModelError",
    "Pair",
    "Pairs",
    "ProbedPicture",
    "Publication",
    "PublishError",
    "Recall",
    "SearchResult",
    "ServerUnusable",
    "Setting",
    "ShootResult",
    "Status",
    "StepStatus",
    "SystemRefused",
    "UnknownModel",
    "UsageError",
    "WorkError",
    "Workspace",
    "WorkspaceError",
    "WorkspaceFull",
    "WorkspaceLocked",
    "__version__",
    "board",
    "build",
    "campaign",
    "concepts",
    "judge",
    "open",
    "outfits",
    "register_executor",
    "register_model",
    "register_photo_format",
    "shoot",
    "shots",
    "spread",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
