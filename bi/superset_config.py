"""Add this to Superset's superset_config.py to show each viewer only the organizations of the viewer's role.

Each viewer needs a role in PostgreSQL with the viewer's name in Superset, granted to the server's login and restricted
with `aap-pipeline access grant`. Restrict the login itself with `aap-pipeline access grant bi_server --nothing`.
`per_user_caching`, set on the bundle's database, separates the caches of the viewers.
"""


def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):  # noqa: N802 - Superset's names
    """Log in, then switch to the viewer's role."""
    if uri.drivername.startswith("postgresql") and username:
        arguments = params.setdefault("connect_args", {})
        options = arguments.get("options", "-c statement_timeout=60000")
        escaped = username.replace("\\", "\\\\").replace(" ", "\\ ")
        arguments["options"] = f"{options} -c role={escaped}"
    return uri, params
