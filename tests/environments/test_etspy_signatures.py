"""The stored table of ETSpy's signatures is what ETSpy says of itself."""

import os
import subprocess
from pathlib import Path

import pytest

CONTRACT = Path(__file__).resolve().parents[1] / "contract"


@pytest.mark.slow
def test_table_of_signatures_is_etspys(etspy_python):
    done = subprocess.run(
        [etspy_python, "-W", "ignore", CONTRACT / "etspy_take.py"],
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (CONTRACT / "etspy_signatures.yaml").read_text(encoding="utf-8")
