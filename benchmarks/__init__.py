"""The figures that the README quotes, each a ratio to a limit measured in the same run."""
