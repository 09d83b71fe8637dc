"""The season whose teas are sold. A change of this file is live at once."""

SEASON = "spring"
