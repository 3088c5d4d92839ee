"""Where numbers cannot speak: claims, other explanations and tests, judged by rules; contribution analysis."""
