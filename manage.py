#!/usr/bin/env python
"""Run Crucible's management commands."""

import os
import sys

from django.core.management import execute_from_command_line

from crucible.correlation import begin, new_id

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crucible.settings")
    begin(new_id("cmd"), actor="command-line")
    execute_from_command_line(sys.argv)
