"""Benchmarks that others know: read in their own layouts, run with any models, with intervals."""
