"""Where readings are kept: live.db, Parquet periods, tiers."""
