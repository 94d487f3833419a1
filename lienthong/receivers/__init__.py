"""
How agencies get what peers send them: a folder, a hook (HTTP), or their results queue.

Each way is safe to repeat: the same document comes under the same message id, so that whoever does
not know whether it arrived sends it again, and asks nobody.
"""
