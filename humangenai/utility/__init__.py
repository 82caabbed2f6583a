"""What pseudonymized pictures are still good for: models trained on them, tested on originals.

How a track that trains models fits in (``classification``, ``detection``):

- Its name is in ``config.UTILITY_TRACKS`` and in ``registry.METRICS``. ``--track NAME`` alone runs
  ``configs/benchmarks/NAME.yaml``, with ``--preset full`` ``NAME-full.yaml``; the part's
  ``utility:`` (``config.UtilityConfig``) says preset, seeds, models, trainings.
- Its dataset has ``train_items()``, nobody of whom is among ``items()``. The runner pseudonymizes
  them with every method (at most ``utility.pictures``) and gives them as ``Measured.train``;
  ``run.output(method, item)`` is a picture of S, ``run.dataset.image(item)`` one of R, and
  ``run.dataset.items()`` are the test originals. Where only such tracks are asked for, queries are
  empty: nothing but ``train`` is pseudonymized.
- Methods that take prompts run once per ``utility.modes`` (``refsd[…, preserve]``, ``refsd[…]``).
- It returns ``Scores(utility={method name: UtilityRecord})`` with R's rows in every record; tables
  and report are made from ``records.UtilityRecord`` alone, whichever track it is of.
"""
