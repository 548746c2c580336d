"""What the gates are handed: the points of a release, what they should be, what labels point to, what was answered before."""
