"""From photographs to their mattes."""
