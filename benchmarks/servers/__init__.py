"""The servers that are measured: the gateway, and its peers. Each can be started, and knows how it is asked."""
