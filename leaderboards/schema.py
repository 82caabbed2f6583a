"""JSON Schema of a run record, for those who read records without this package.

``python -m leaderboards.schema > docs/run-record.schema.json`` writes it again.
"""

from __future__ import annotations

import json
import sys

from humangenai.records import RunRecord


def run_record_schema() -> str:
    """The schema of ``run.json`` and of ``release/record.json`` as JSON text."""
    schema = RunRecord.model_json_schema(mode="serialization")
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(run_record_schema())
