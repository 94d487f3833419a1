"""The operators' HTTP API: operations over HTTP, described as OpenAPI 3.1."""
