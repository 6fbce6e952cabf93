//! A first profile from what is there.
pub async fn from_compose(file: &std::path::Path) -> Result<String, super::failure::Failure> {
    let _ = file;
    Err(super::failure::Failure::later("`init --from`"))
}
