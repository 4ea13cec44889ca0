"""ingest: files and addresses -> garments and looks, and the articles that catalogues list.

`listing` reads all inputs into a `ledger`, beside what the store knows; `merge` makes one of all
that is said of one thing; `changes` writes down what is said anew; `step` reads the photos that
are left; `photo_rows` keeps the rows of garments and looks true to all of that.
"""

from lookweave.pipeline.steps.ingest.listing import open_inputs
from lookweave.pipeline.steps.ingest.step import Ingest

__all__ = ["Ingest", "open_inputs"]
