"""Where photos come from: folders, manifests, addresses.

`places` lists them, `manifests` reads CSV and Parquet, `catalogue` understands their columns,
`fetch` brings what lies behind an address, as far as `permission` lets it.
"""

from lookweave.sources.places import Listing, absolute, input_name, listing
from lookweave.sources.source import (
    Facts,
    LookFacts,
    Notices,
    Options,
    ProductFacts,
    Source,
    is_address,
)

__all__ = [
    "Facts",
    "Listing",
    "LookFacts",
    "Notices",
    "Options",
    "ProductFacts",
    "Source",
    "absolute",
    "input_name",
    "is_address",
    "listing",
]
