"""``python -m humangenai``: the same as the command ``humangenai``."""

from humangenai.cli import main

if __name__ == "__main__":
    main()
