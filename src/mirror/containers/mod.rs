//! The story where a plan is made container by container, and a keeper of ours keeps what was made.

mod clear;
mod launch;
mod make;
mod orphans;
mod reset;
mod stage;
mod verify;
mod wait;

pub use make::Changes;
pub use reset::reset;
pub use stage::Stage;
pub use verify::look;
