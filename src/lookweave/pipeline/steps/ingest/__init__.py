"""ingest: files and addresses -> garments and looks.

`listing` says which sources are new, `step` reads them, `photo_rows` says which of several
sources speaks for a photo.
"""

from lookweave.pipeline.steps.ingest.step import Ingest

__all__ = ["Ingest"]
