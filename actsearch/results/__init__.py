"""What a run found, as rows, tables, JSON and CSV."""
