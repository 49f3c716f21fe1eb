"""Differences between the products with the controller API: paths, versions, headers and token refresh."""

from dataclasses import dataclass

RED_HAT = "Red Hat Ansible Automation Platform"


@dataclass(frozen=True)
class Product:
    """One product and version; `prefixes[0]` is the one that its documents link to."""

    name: str
    prefixes: tuple[str, ...]
    controller_version: str
    token_path: str
    refresh_status: int
    expires_in: int
    product_name: str
    node: str
    install_uuid: str = "eeb97332-0ca1-4c90-97c4-ea64e47955c8"
    gateway_version: str | None = None

    @property
    def prefix(self) -> str:
        """The API prefix that links in documents carry, without a trailing slash."""
        return self.prefixes[0]


def _controller(name: str, version: str, *, expires_in: int) -> Product:
    """AAP 2.4 and AWX: the controller itself answers, under `/api/v2`."""
    awx = name == "awx"
    return Product(
        name=name,
        prefixes=("/api/v2", "/api/controller/v2") if awx else ("/api/v2",),
        controller_version=version,
        token_path="/api/o/token/",  # noqa: S106 - a path
        refresh_status=200 if awx else 201,
        expires_in=expires_in,
        product_name="AWX" if awx else RED_HAT,
        node="awx-local-1" if awx else "aap24.example.com",
    )


def _gateway(name: str, gateway_version: str, controller_version: str) -> Product:
    """AAP 2.5 and later: a gateway in front, the controller under `/api/controller/v2`, `/api/v2` gone."""
    return Product(
        name=name,
        prefixes=("/api/controller/v2",),
        controller_version=controller_version,
        token_path="/o/token/",  # noqa: S106 - a path
        refresh_status=201,
        expires_in=31_536_000,
        product_name=RED_HAT,
        node=f"{name}.example.com",
        gateway_version=gateway_version,
    )


PRODUCTS: dict[str, Product] = {
    product.name: product
    for product in (
        _controller("awx", "24.6.2.dev0", expires_in=31_536_000_000),
        _controller("aap24", "4.5.15", expires_in=31_536_000_000),
        _gateway("aap25", "2.5", "4.6.8"),
        _gateway("aap26", "2.6", "4.7.2"),
        _gateway("aap27", "2.7", "4.8.0"),
        # Not released when this was written: for the test that a newer version works when it answers alike.
        _gateway("aap28", "2.8", "4.9.0"),
    )
}
