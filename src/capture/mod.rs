//! What was observed, as a profile: the inverse of plan and launch.
