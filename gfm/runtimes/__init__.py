"""ONNX Runtime and OpenVINO around exported networks; nothing here needs PyTorch."""
