"""The annotator: where people rate privacy, pose and quality in a browser."""
