"""Copy the run history of Ansible Automation Platform controllers into PostgreSQL and compute its savings."""

__version__ = "0.1.0"
