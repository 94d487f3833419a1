"""Traces: a dossier's way from the agency's message to the receipt, for OpenTelemetry."""
