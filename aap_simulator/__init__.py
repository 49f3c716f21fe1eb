"""A simulated controller over real HTTP, for the demo, tests and benchmarks.

    with SimulatorServer(synthetic(seed=1, jobs=200)) as server:
        server.url, server.token.access_token          # what a client needs
        job = server.world.add_job(hosts=3, stats="late")
        server.faults.add(Fault("status", probability=0.2))
        server.log.total, server.world.truth()         # what happened, and what a perfect copy holds

Modules: `query`, `table`, `pages` (lists), `routes` (URLs), `app` (ASGI), `server` (sockets), `world`, `synthetic`
(state and its changes), `catalog`, `generate`, `odd` (made-up jobs), `render`, `render_objects` (documents), `replay`
(recorded answers), `faults`, `tokens`, `token_rows` (their lists), `log`, `clock`, `products`.
"""

DEMO_CLUSTERS = ("demo-aap24", "demo-aap25", "demo-awx", "demo-synthetic")
"""Names of the demo's clusters, so that commands recognize them without importing the simulator."""
