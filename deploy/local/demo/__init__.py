"""The main path, walked over HTTP as clients walk it: `path.py` is the story, the rest is what its people do."""
