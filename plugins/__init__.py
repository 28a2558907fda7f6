"""The built-in parts, registered through the same hooks as a third party's: one folder per slot, one file per part."""
