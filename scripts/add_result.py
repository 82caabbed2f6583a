"""Add a finished run to the committed leaderboard, and its figures to the README.

``python scripts/add_result.py runs/crowd-full`` copies the published record of every run in that
folder which measured something to ``leaderboards/results/``, checks all records, and writes the
README's section of results again. Without arguments it only does the latter two.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from humangenai.errors import UserError
from humangenai.store import atomic_write
from leaderboards.results import FOLDER, boards, result_path, run_records, validate
from leaderboards.site import readme_section, replace_section

README = Path(__file__).resolve().parent.parent / "README.md"


def add(run: Path) -> list[Path]:
    """Copy the records of a run folder, or of a folder of run folders.

    Raises:
        UserError: there is no finished run that measured something.
    """
    added = []
    for record in run_records(run):
        if any(method.scores or method.phi or method.utility for method in record.methods):
            target = FOLDER / result_path(record)
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(target, (record.model_dump_json(indent=1) + "\n").encode())
            added.append(target)
    if not added:
        raise UserError(f"{run}: no run that measured something there")
    return added


def main() -> int:
    """Add what was named, check everything, update the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("runs", nargs="*", type=Path)
    try:
        for run in parser.parse_args().runs:
            for path in add(run):
                sys.stdout.write(f"{path}\n")
        section = readme_section(boards(validate()))
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    text = README.read_text(encoding="utf-8")
    atomic_write(README, replace_section(text, section).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
