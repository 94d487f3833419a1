"""Alerts by e-mail and webhook, for sites that have nobody else to watch them."""
