"""What pseudonymized pictures are still good for: models trained on them, tested on originals."""
