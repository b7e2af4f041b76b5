//! What JavaScript sees.
#[cfg(feature = "chart")]
mod canvas;
#[cfg(feature = "chart")]
mod charts;
