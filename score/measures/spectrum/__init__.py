"""The full spectrum: ID images together with covariate-shifted ID images, and what each costs."""
