"""The base of all three packages: pictures, whole files, locations, errors, console."""
