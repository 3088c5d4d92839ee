"""Who is treated from when, compared with whom."""
