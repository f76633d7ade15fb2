"""Which model answers: names, weights, policies and fallbacks, from one file and live figures."""
