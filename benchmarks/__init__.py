"""What the gateway is measured with: `make bench`. See docs/performance.md for the method."""
