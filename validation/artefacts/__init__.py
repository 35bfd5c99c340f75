"""What a session leaves behind as files: the same session renders the same bytes, anywhere."""
