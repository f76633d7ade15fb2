"""Training of classifiers and detectors, up to weights beside their card."""
