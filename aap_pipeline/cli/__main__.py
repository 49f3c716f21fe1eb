"""`python -m aap_pipeline.cli` is `aap-pipeline`."""

import sys

from aap_pipeline.cli import main

sys.exit(main())
