"""Checks: one file each, listed by the registry."""
