"""RefSD: people out, identity-free avatars in, refined by diffusion.

The package stands alone: it knows nothing of the benchmark that measures it.
"""
