"""Run recipes without a person: on one file, as a papermill notebook, or on a folder."""

from __future__ import annotations

from tomojupyter.batch.single import (
    check_output,
    read_recipe,
    run_file,
    run_notebook,
    save_whole,
)

__all__ = ["check_output", "read_recipe", "run_file", "run_notebook", "save_whole"]
