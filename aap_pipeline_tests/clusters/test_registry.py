"""The registry: adding, updating, disabling clusters, and their secrets under a rotated key."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from psycopg.errors import CheckViolation

from aap_pipeline.clusters.registry import (
    NewCluster,
    cluster_named,
    clusters,
    name_faults,
    rotate_key,
    save_clusters,
    set_enabled,
)
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.errors import AuthenticationError
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.encryption import Cipher, EncryptionKeyError, new_key
from aap_pipeline.errors import PipelineError

TOKENS = Tokens("access", "refresh", "client", "secret")
PROD = NewCluster("prod", Endpoint("https", "aap.example.com", 443), TOKENS)
TEST = NewCluster("test", Endpoint("http", "aap.example.com", 8080, verify_ssl=False), Tokens("other"))


@pytest.fixture
def cipher() -> Cipher:
    return Cipher([new_key()])


def test_clusters_are_added_and_listed_by_name(connection: Connection, cipher: Cipher) -> None:
    """Guards against an entry that comes back other than it went in."""
    assert save_clusters(connection, cipher, [TEST, PROD]) == {"test": True, "prod": True}
    found = clusters(connection)
    assert [cluster.name for cluster in found] == ["prod", "test"]
    assert [cluster.endpoint for cluster in found] == [PROD.endpoint, TEST.endpoint]
    assert all(cluster.enabled and cluster.removed_at is None for cluster in found)


def test_secrets_are_stored_encrypted_and_come_back(database_url: str, connection: Connection, cipher: Cipher) -> None:
    """Guards against a token that anybody who reads the table can use."""
    save_clusters(connection, cipher, [PROD])
    connection.commit()
    row = connection.execute("SELECT access_token, refresh_token, client_secret FROM clusters_cluster").fetchone()
    assert row is not None
    assert not {b"access", b"refresh", b"secret"} & set(row)
    assert DatabaseTokenStore(database_url, cipher, cluster_named(connection, "prod").id).load() == TOKENS


def test_the_same_name_again_updates_the_cluster(connection: Connection, cipher: Cipher) -> None:
    """Guards against a second cluster, or an API path that belongs to the old address."""
    save_clusters(connection, cipher, [PROD])
    before = cluster_named(connection, "prod")
    connection.execute("UPDATE clusters_cluster SET api_prefix = '/api/v2'")
    assert save_clusters(connection, cipher, [PROD]) == {"prod": False}
    assert cluster_named(connection, "prod").endpoint == PROD.endpoint
    below = replace(PROD, endpoint=replace(PROD.endpoint, api_prefix="/awx"))
    save_clusters(connection, cipher, [below])
    assert cluster_named(connection, "prod").endpoint == below.endpoint
    moved = replace(PROD, endpoint=Endpoint("https", "new.example.com", 443))
    save_clusters(connection, cipher, [moved])
    after = cluster_named(connection, "prod")
    assert (after.id, after.endpoint) == (before.id, moved.endpoint)


def test_two_names_for_one_address_are_refused_and_nothing_is_stored(connection: Connection, cipher: Cipher) -> None:
    """Guards against one controller that is counted twice."""
    twin = replace(PROD, name="twin")
    with pytest.raises(PipelineError, match=r"'twin' has the address https://aap.example.com of cluster 'prod'"):
        save_clusters(connection, cipher, [TEST, PROD, twin])
    assert clusters(connection) == []


def test_a_disabled_cluster_keeps_its_history_and_can_come_back(connection: Connection, cipher: Cipher) -> None:
    """Guards against a removal that deletes what ran."""
    save_clusters(connection, cipher, [PROD, TEST])
    set_enabled(connection, "prod", enabled=False, removed=True)
    assert [cluster.name for cluster in clusters(connection, only_enabled=True)] == ["test"]
    assert cluster_named(connection, "prod").removed_at is not None
    save_clusters(connection, cipher, [PROD])
    again = cluster_named(connection, "prod")
    assert (again.enabled, again.removed_at) == (True, None)


def test_an_unknown_name_says_which_there_are(connection: Connection, cipher: Cipher) -> None:
    """Guards against a typing mistake that ends in a traceback."""
    with pytest.raises(PipelineError, match="none yet"):
        cluster_named(connection, "prdo")
    save_clusters(connection, cipher, [PROD, TEST])
    with pytest.raises(PipelineError, match="Clusters: prod, test"):
        set_enabled(connection, "prdo", enabled=False)


def test_a_rotated_key_reads_what_the_old_one_wrote(database_url: str, connection: Connection) -> None:
    """Guards against tokens that are lost when a key is replaced, and against rotating half of them."""
    old, new = new_key(), new_key()
    save_clusters(connection, Cipher([old]), [PROD, TEST])
    assert rotate_key(connection, Cipher([new, old])) == 2
    connection.commit()
    number = cluster_named(connection, "prod").id
    assert DatabaseTokenStore(database_url, Cipher([new]), number).load() == TOKENS
    with pytest.raises(EncryptionKeyError):
        DatabaseTokenStore(database_url, Cipher([old]), number).load()
    with pytest.raises(EncryptionKeyError):
        rotate_key(connection, Cipher([new_key()]))
    connection.rollback()
    assert DatabaseTokenStore(database_url, Cipher([new]), number).load() == TOKENS


def test_a_refresh_is_stored_before_it_is_used_and_done_once(
    database_url: str, connection: Connection, cipher: Cipher
) -> None:
    """Guards against a refresh token that two processes spend, and a new pair that dies with its process."""
    save_clusters(connection, cipher, [PROD])
    connection.commit()
    store = DatabaseTokenStore(database_url, cipher, cluster_named(connection, "prod").id)
    exchanged: list[Tokens] = []

    def exchange(tokens: Tokens) -> Tokens:
        exchanged.append(tokens)
        return replace(tokens, access="new", refresh="newer")

    renewed = store.refresh("access", exchange)
    assert (renewed.access, renewed.refresh, renewed.client_secret) == ("new", "newer", "secret")
    with connect(database_url) as other:
        elsewhere = DatabaseTokenStore(database_url, cipher, cluster_named(other, "prod").id)
        assert elsewhere.load() == renewed
        assert elsewhere.refresh("access", exchange) == renewed
    assert exchanged == [TOKENS]

    def failing(_: Tokens) -> Tokens:
        raise PipelineError("no answer")

    with pytest.raises(PipelineError):
        store.refresh("new", failing)
    assert store.load() == renewed


def renew(tokens: Tokens) -> Tokens:
    """What a controller does: the old pair is dead, here is another."""
    return replace(tokens, access="new", refresh="newer")


def stored(connection: Connection, cipher: Cipher) -> int:
    """The id of a cluster with tokens."""
    save_clusters(connection, cipher, [PROD])
    connection.commit()
    return cluster_named(connection, "prod").id


def test_a_second_process_waits_for_the_first_ones_refresh(
    database_url: str, connection: Connection, cipher: Cipher
) -> None:
    """Guards against two processes that send one refresh token: the second use is refused, or revokes both."""
    number = stored(connection, cipher)
    exchanges: list[str] = []

    def counted(tokens: Tokens) -> Tokens:
        exchanges.append(tokens.access)
        return renew(tokens)

    with ThreadPoolExecutor(1) as pool:

        def meanwhile(tokens: Tokens) -> Tokens:
            second = pool.submit(DatabaseTokenStore(database_url, cipher, number).refresh, "access", counted)
            waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            while not second.done() and connection.execute(waiting.encode()).fetchone() is None:
                connection.rollback()  # so that the next look is a new one
            others.append(second)
            return counted(tokens)

        others: list[Future[Tokens]] = []
        first = DatabaseTokenStore(database_url, cipher, number).refresh("access", meanwhile)
        assert others[0].result() == first
    assert exchanges == ["access"]


def test_a_new_pair_survives_a_database_that_goes_away_before_it_is_stored(
    database_url: str, connection: Connection, cipher: Cipher
) -> None:
    """Guards against a restart of PostgreSQL that costs a cluster its tokens, which only a person can replace."""
    number = stored(connection, cipher)
    waits: list[float] = []

    def cutting(tokens: Tokens) -> Tokens:
        cut_off(connection)
        return renew(tokens)

    store = DatabaseTokenStore(database_url, cipher, number, waits.append)
    assert store.refresh("access", cutting).access == "new"
    assert store.load().refresh == "newer"
    assert len(waits) == 1


def test_a_pair_that_can_not_be_stored_says_that_a_new_token_is_needed(
    database_url: str, connection: Connection, cipher: Cipher
) -> None:
    """Guards against a sync that runs on with tokens that die with it, and against one that waits for ever."""
    number = stored(connection, cipher)
    waits: list[float] = []

    def cutting(tokens: Tokens) -> Tokens:
        connection.execute(
            "CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'Locked' USING ERRCODE = 'lock_not_available'; END $$;"
            "CREATE TRIGGER refuse BEFORE UPDATE ON clusters_cluster FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()"
        )
        cut_off(connection)
        return renew(tokens)

    store = DatabaseTokenStore(database_url, cipher, number, waits.append)
    with pytest.raises(AuthenticationError, match="clusters update prod --token-file") as caught:
        store.refresh("access", cutting)
    assert sum(waits) == 60
    assert "newer" not in str(caught.value)


def cut_off(connection: Connection) -> None:
    """End every other connection to the database, as a restart does."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    connection.commit()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("aap.company.com", "aap.company.com:443"),
        ("2001:db8::1", "2001:db8::1:443"),
        ("::1", "1:443"),
        ("[::1]", "1:443"),
        ("a...b/,*", "a-b:443"),
        (".", "cluster:443"),
        ("a" * 255, f"{'a' * 94}:443"),
    ],
)
def test_a_row_of_the_specification_gets_a_name_that_can_be_a_partition(
    connection: Connection, address: str, name: str
) -> None:
    """Guards against a cluster, inserted as the specification writes it, whose partition Dagster cuts in two."""
    connection.execute(
        "INSERT INTO clusters_cluster (protocol, address, port, access_token) VALUES ('https', %s, 443, '')", (address,)
    )
    assert [cluster.name for cluster in clusters(connection)] == [name]
    assert list(name_faults(name)) == []


@pytest.mark.parametrize("name", ["", "a,b", "a b", "-a", "a/b", "a\n", "a...b", "a..b", "a.", ".a", "[a]"])
def test_a_name_is_refused_by_the_table_too(connection: Connection, name: str) -> None:
    """Guards against a program beside the command line that adds what Dagster cannot name."""
    with pytest.raises(CheckViolation, match="use letters, digits"):
        connection.execute(
            "INSERT INTO clusters_cluster (protocol, address, port, access_token, name) "
            "VALUES ('https', 'a', 1, '', %s)",
            (name,),
        )
