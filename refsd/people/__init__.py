"""Who is in the picture: boxes, masks and pose landmarks."""

from refsd.people.person import Person, PersonOutcome, Source, Status

__all__ = ["Person", "PersonOutcome", "Source", "Status"]
