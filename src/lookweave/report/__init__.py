"""The report: one self-contained page on what a workspace holds and how good it is."""

from lookweave.report.page import write_report

__all__ = ["write_report"]
