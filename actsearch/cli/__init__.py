"""The command line: one thin file a command; heavy packages load only when a command needs them."""
