"""What `--model` may name besides open_clip's names: folders, repositories of the hub, twins."""
