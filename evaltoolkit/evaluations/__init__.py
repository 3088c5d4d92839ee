"""Running a plan: inputs, estimates, facts, grade and verdict."""
