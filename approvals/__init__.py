"""Who must sign, who signed, and what they saw."""
