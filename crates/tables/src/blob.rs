//! Access to the bytes of a JavaScript `Blob`.

use std::io;

use js_sys::{Error, Function, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

use crate::source::Source;

/// A `Blob` that is read synchronously by a JavaScript function `read(start, end)`, which returns a
/// `Uint8Array`. Decoders require a source that is `Send`; this is sound because wasm has only one thread
/// here.
#[derive(Debug)]
pub struct Blob {
    read: SendWrapper<Function>,
    size: u64,
}

impl Blob {
    /// Creates a blob of `size` bytes.
    pub fn new(read: Function, size: f64) -> Self {
        Self { read: SendWrapper::new(read), size: size as u64 }
    }
}

impl Source for Blob {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        let end = start as f64 + out.len() as f64;
        let bytes = self.read.call2(&JsValue::NULL, &(start as f64).into(), &end.into());
        let bytes = bytes.map_err(|error| io::Error::other(String::from(Error::from(error).message())))?;
        let bytes = Uint8Array::new(&bytes);
        if bytes.length() as usize != out.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.copy_to(out);
        Ok(())
    }
}
