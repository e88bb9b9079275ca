"""The whole tool: what `import attncli` offers and what the commands call, a file for each."""
