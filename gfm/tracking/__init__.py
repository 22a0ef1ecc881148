"""What a run leaves behind, and how runs are compared with each other and with the paper."""
