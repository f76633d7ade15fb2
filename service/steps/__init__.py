"""The steps of a prediction, each a plain function from value to value."""
