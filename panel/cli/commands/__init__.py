"""One file a command or group of commands; the file's name is the command's, its `command` is what runs."""
