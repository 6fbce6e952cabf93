//! The story where a plan is placed as objects, which the place itself keeps.

mod changes;
mod launch;
mod reset;
mod verify;

pub use changes::Changes;
pub use reset::reset;
pub use verify::look;
