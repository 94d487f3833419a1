"""
What peers send down to the agencies: proven, judged, durable, and made into the agency's own file.
"""
