"""Tests of monitor/sources."""
