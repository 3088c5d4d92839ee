"""The evaluation plan: read, locked, and asked beforehand whether it can answer its question."""
