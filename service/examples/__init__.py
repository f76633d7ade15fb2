"""Examples for the OpenAPI document, built by what builds the answers."""
