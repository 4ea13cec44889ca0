"""Benchmarks that others know: read in their own layouts, run with any models, with intervals.

`readers` has one reader for each benchmark; `content` is what they all give; `vectors` embeds,
`search` ranks, `statistics` measures, `run` brings them together and `page` tells it.
"""

from lookweave.benchmark.readers import READERS, read_benchmark
from lookweave.benchmark.run import REGIONS, BenchmarkResult, run_benchmark

__all__ = ["READERS", "REGIONS", "BenchmarkResult", "read_benchmark", "run_benchmark"]
