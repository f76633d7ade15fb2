"""The words the zoo writes and the gateway reads; standard library only."""
