"""Where photos come from: folders, manifests, addresses.

`places` lists them, `manifests` reads CSV and Parquet, `catalogue` understands their columns,
`fetch` brings what lies behind an address.
"""

from lookweave.sources.places import Source, absolute, is_address, listing

__all__ = ["Source", "absolute", "is_address", "listing"]
