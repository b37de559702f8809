"""The REST API and the WebSocket."""
