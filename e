/dev/fd/3: line 72: -m: command not found
