"""What tests in every folder can use."""

pytest_plugins = ["tests.nvml_stub.fixtures"]
