"""Models exported and served by servers of their own; nothing here measures time."""
