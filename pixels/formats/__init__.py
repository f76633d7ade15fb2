"""What each image format's header promises, read before any decoder sees the file.

The sizes are held against the limits, and files that are small to send but long or large to decode
are recognised by their structure. Where a file is cut short or odd a parser may raise struct.error,
LookupError or ValueError; `header.read_header` turns that into an UnreadableError.
"""
