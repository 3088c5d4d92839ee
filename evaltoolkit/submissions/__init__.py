"""Forms out, forms back in: layout, writing, guard, reading, rules, store; and other people's tables."""
