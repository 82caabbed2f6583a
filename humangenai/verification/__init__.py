"""May this be published? What can be proved about a finished run, and what cannot.

================  ==============================================================
``verify``        the order of the checks, and the verdict over all of them
``opened``        a finished run, opened to be read
``noise``         do pixels under the masks reach the output?
``outside``       is everything else still the original?
``leak``          how much of the true people is outside the masks?
``completeness``  does every picture have its line, and every line its picture?
``files``         is anything in ``release/`` that does not belong there?
``metadata``      does a file say more than its pixels do?
``names``         does a name, path, seed or key of the originals appear?
``records``       what is written down
``table``         what is shown
================  ==============================================================
"""

from __future__ import annotations

from humangenai.verification.records import CheckRecord, Finding, Verification
from humangenai.verification.table import render
from humangenai.verification.verify import SAMPLE, verify_release

__all__ = ["SAMPLE", "CheckRecord", "Finding", "Verification", "render", "verify_release"]
