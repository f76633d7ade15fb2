"""Attention mechanisms side by side: trained alike, timed together, and what that proves."""
