"""The README's figures, each relative to a limit measured in the same run."""
