"""Odd, broken and hostile files: the categories of the public suites, made from specifications."""
