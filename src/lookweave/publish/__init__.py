"""Publishing: a workspace's pairs as a data set in a folder or on a hub.

`publish` reads the tables, writes Parquet, WebDataset, Croissant and a card, and pushes them.
`rights` is the one place that decides what a rights field allows.
"""

from lookweave.publish.export import publish, summary_text
from lookweave.publish.options import Options

__all__ = ["Options", "publish", "summary_text"]
