"""Model cards: what weights are and how they came about, for machines and for people."""
