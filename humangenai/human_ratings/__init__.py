"""ψ, and ϕ as people see it: questions, studies, scores, agreement, and who answered carelessly.

Plain data and statistics: no database, no browser. :mod:`annotator_ui` collects the answers.
"""
