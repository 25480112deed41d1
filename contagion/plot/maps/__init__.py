"""The layout of the map of a network: marks, links and labels with positions, for any medium.

Start with :func:`.scene.scene`. The layout is deterministic and not force-directed; a network of
any size becomes at most 30 nodes and 8 boxes.

- `choice`: nodes drawn by name, and boxes for the others
- `rings`, `curves`, `labels`: positions of marks, links and texts
- `scene`: the whole map, and its texts
"""
