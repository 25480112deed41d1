"""The sections of the report, one file each; `contents` defines their order."""
