"""The report of a run: one page that needs nothing else, told from its store."""
