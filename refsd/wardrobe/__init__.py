"""The wardrobe: skins, hair and garments, drawn procedurally on a body; and the avatar bank."""

from refsd.wardrobe.avatar import Avatar, Family

__all__ = ["Avatar", "Family"]
