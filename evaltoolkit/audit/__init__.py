"""The same design, re-estimated by independent packages: do they say the same, and if not, why not?"""
