"""From an eager network to a model that Triton serves: wrap, script, describe, write."""
