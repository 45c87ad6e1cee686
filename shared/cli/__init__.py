"""The operator's command: `mdh`."""
