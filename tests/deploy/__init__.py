"""What stands in docs/deploy/ does what it says."""
