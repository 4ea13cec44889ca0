"""What training needs beyond the core, and what it says when that is missing."""

from __future__ import annotations


class MissingTrainingPackageError(ImportError):
    """A package of the extra ``[train]`` is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"training needs the package {package!r};"
            " install it with pip install 'lookweave[train]'"
        )
        self.package = package
