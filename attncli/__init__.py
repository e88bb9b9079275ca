"""Self-attention in the terminal and in pipes."""
