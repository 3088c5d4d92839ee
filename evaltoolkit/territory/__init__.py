"""Municipalities, mergers, neighbours, and the cells or zones they belong to."""
