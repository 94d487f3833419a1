"""
One file per version of the tables.

A file that was released is never changed: stores were made by it. It uses nothing of the program
but what is in itself, because the program changes. There is no way back but the backup.
"""
