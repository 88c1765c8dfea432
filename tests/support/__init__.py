"""What the tests stand on: real servers, real gateways, and the fixtures that hand them out."""
