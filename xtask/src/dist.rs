//! stub
pub(crate) fn folder() -> std::path::PathBuf {
    crate::shell::root().join("dist")
}
pub(crate) fn dist() -> anyhow::Result<()> {
    Ok(())
}
