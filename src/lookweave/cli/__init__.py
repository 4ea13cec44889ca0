"""The command line. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done, 1 the work failed, 2 the call was wrong.
"""
