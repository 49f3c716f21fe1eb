"""What a Superset server adds to its superset_config.py, so that each viewer sees the organizations of its own role.

A viewer's role in PostgreSQL has the viewer's name in Superset, is granted to the login of the server, and is listed
with `aap-pipeline access grant`. The login itself sees nothing: `aap-pipeline access grant bi_server --nothing`.
Caches are kept per viewer by `per_user_caching` of the database in the bundle.
"""


def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):  # noqa: N802 - Superset's names
    """Log in, then take the viewer's role."""
    if uri.drivername.startswith("postgresql") and username:
        arguments = params.setdefault("connect_args", {})
        options = arguments.get("options", "-c statement_timeout=60000")
        escaped = username.replace("\\", "\\\\").replace(" ", "\\ ")
        arguments["options"] = f"{options} -c role={escaped}"
    return uri, params
