"""How refsd-tiny is made: people and scenes rendered by the project itself, and the training.

No photograph and no real person is in its data. ``python -m refsd.training --help`` says more.
"""
