"""The web page and `POST /matte`: photographs in over HTTP, mattes out, nothing kept."""
