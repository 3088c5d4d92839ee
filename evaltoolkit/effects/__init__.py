"""Estimated effects: one result type, its aggregation and its inference."""
