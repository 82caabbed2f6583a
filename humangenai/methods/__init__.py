"""Ways to pseudonymize: the baselines, RefSD, and outputs made elsewhere."""

from humangenai.methods.method import Claim, Method, Outcome, Task

__all__ = ["Claim", "Method", "Outcome", "Task"]
