"""`python -m whybuy.cli`."""

import sys

from whybuy.cli import app

sys.exit(app())
