//! Keeps Hive tables in step with the files that the sink commits.
