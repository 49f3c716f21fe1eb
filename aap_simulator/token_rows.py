"""The lists of users' tokens, as the two kinds of product answer them; the tokens themselves are never in them.

The controller's own (AWX, AAP 2.4): `BaseOAuth2TokenSerializer` of ansible/awx, awx/api/serializers.py. A gateway's
(AAP 2.5 and later): `OAuth2TokenSerializer` of ansible/django-ansible-base, oauth2_provider/serializers/token.py.
Both models have `last_used`, so that both lists can be filtered by it; only the gateway's shows it.
"""

from datetime import timedelta
from typing import Any

import orjson

from aap_simulator.clock import microseconds, wire
from aap_simulator.products import Product
from aap_simulator.schema import TOKENS
from aap_simulator.table import Row, Table
from aap_simulator.tokens import AccessToken, Account, TokenStore

GATEWAY_IDS = 100
"""A gateway numbers the same users otherwise than the controller behind it."""


def gateway_user(account: Account) -> dict[str, Any]:
    """Return the user as in a gateway's `me/` (the fields that flightctl/flightctl, pkg/aap/user.go, reads)."""
    return {
        "id": account.id + GATEWAY_IDS,
        "username": account.username,
        "is_superuser": account.is_superuser,
        "is_platform_auditor": account.is_system_auditor,
    }


def token_table(store: TokenStore, product: Product, account: Account) -> Table[Row]:
    """Return the tokens that `account` may see: superusers and auditors see all, others their own."""
    lifetime = timedelta(seconds=product.expires_in)
    write = _gateway_row if product.gateway_version else _controller_row
    return Table(
        TOKENS,
        (
            _row(write(token, wire(token.expires or token.created + lifetime), product.prefix), token)
            for token in store.access_tokens()
            if account.sees_jobs or token.account.id == account.id
        ),
    )


def _row(document: dict[str, Any], token: AccessToken) -> Row:
    row = Row(document["id"], orjson.dumps(document))
    row.values["last_used"] = None if token.last_used is None else microseconds(token.last_used)
    return row


def _controller_row(token: AccessToken, expires: str, prefix: str) -> dict[str, Any]:
    user = token.account
    url = f"{prefix}/tokens/{token.id}/"
    return {
        "id": token.id,
        "type": "o_auth2_access_token",
        "url": url,
        "related": {"user": f"{prefix}/users/{user.id}/", "activity_stream": f"{url}activity_stream/"},
        "summary_fields": {"user": {"id": user.id, "username": user.username, "first_name": "", "last_name": ""}},
        "created": wire(token.created),
        "modified": wire(token.created),
        "description": "",
        "user": user.id,
        "token": "************",
        "refresh_token": None,
        "application": None,
        "expires": expires,
        "scope": token.scope,
    }


def _gateway_row(token: AccessToken, expires: str, _prefix: str) -> dict[str, Any]:
    user = token.account.id + GATEWAY_IDS
    return {
        "id": token.id,
        "url": f"/api/gateway/v1/tokens/{token.id}/",
        "related": {"user": f"/api/gateway/v1/users/{user}/"},
        "summary_fields": {"user": {"id": user, "username": token.account.username}},
        "created": wire(token.created),
        "created_by": user,
        "modified": wire(token.created),
        "modified_by": user,
        "token": "$encrypted$",
        "expires": expires,
        "user": user,
        "application": None,
        "description": "",
        "last_used": None if token.last_used is None else wire(token.last_used),
        "scope": token.scope,
        "refresh_token": None,
    }
