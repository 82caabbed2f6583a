"""Users' own avatars: bodies with textures that they painted, from a folder.

``python -m refsd.wardrobe.own`` draws the UV template, writes an example and shows a folder.
"""

from refsd.wardrobe.own.dressing import dress_any
from refsd.wardrobe.own.folder import FolderBank, OwnAvatar, OwnAvatarError, load_bank

__all__ = ["FolderBank", "OwnAvatar", "OwnAvatarError", "dress_any", "load_bank"]
