//! What crosses a process boundary inside a mirror: written by one stage, read by a helper.

pub mod course;
pub mod doors;
pub mod duties;
pub mod fill;
pub mod journal;
pub mod ready;
