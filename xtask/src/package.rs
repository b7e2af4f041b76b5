//! stub
pub(crate) fn package() -> anyhow::Result<()> {
    Ok(())
}
