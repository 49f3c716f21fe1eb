"""Copies the run history of Ansible Automation Platform controllers into PostgreSQL and says what it saved."""

__version__ = "0.1.0"
