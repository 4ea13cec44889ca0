"""People's verdicts: a journal of events, what it comes to, what to ask next."""
