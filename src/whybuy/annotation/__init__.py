"""The web application in which people judge proposed reasons: `whybuy annotate`."""
