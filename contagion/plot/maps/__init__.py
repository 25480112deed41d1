"""The map of a network as marks, links and labels with places, before any medium draws it.

Start with :func:`.scene.scene`. Everything is deterministic and without forces; a network of any
size becomes at most 30 nodes and 8 boxes.

- `choice`: which nodes are drawn by name, and into which boxes the others go
- `rings`, `curves`, `labels`: where marks, links and texts stand
- `scene`: all of it, and what the map says in words
"""
