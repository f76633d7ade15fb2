"""What networks cost, counted here and as others have printed it."""
