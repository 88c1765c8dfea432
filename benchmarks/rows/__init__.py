"""The rows of the tables: each module measures some of them, of the gateway and of the peers that can do the same."""
