"""Keeps the processes of `aap-pipeline up` running, and sees to it that none is left when it ends, however it ends."""
