"""Causal graphs and refuters."""
