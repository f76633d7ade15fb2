"""The real tritonserver without Docker, and the supervisor that keeps it running."""
