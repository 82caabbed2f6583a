"""Review before release: the page on which a run's owner corrects who was found."""
