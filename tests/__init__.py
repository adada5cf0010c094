"""Everything that shows that Rooms does what it says."""
