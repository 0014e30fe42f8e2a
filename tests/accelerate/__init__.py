"""Programs written for conductor-python, as they are, on this engine; `apps/` on its own engine as well."""
