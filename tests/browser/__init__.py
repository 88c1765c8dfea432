"""The browser client and the bell, in a real Chromium against the real gateway.

A package in pytest's sense too, so that one browser serves all its tests and ends with them.
"""
