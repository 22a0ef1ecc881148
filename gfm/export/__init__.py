"""Export to ONNX and OpenVINO, with the comparison that gates it."""
