"""The sections of the report, one file each; `contents` has their order."""
