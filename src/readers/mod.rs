//! Readers of what runs elsewhere, and of its files: they ask, and the core makes a profile of the answer.

mod bundle;
pub mod compose;
pub mod files;
#[cfg(feature = "kubernetes")]
pub mod kubeconfig;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;

pub use bundle::is_one as is_bundle;
