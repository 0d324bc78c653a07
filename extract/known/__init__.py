"""Known datasets: listed, checked, downloaded."""
