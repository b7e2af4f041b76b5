//! An open GPU device, and the operations that engines perform on it directly.

use std::sync::{Arc, Mutex};

use crate::message::{Code, Message, Result};

/// Number of bytes written to the queue at once; the queue keeps a copy until the device has read them.
const UPLOAD_BYTES: usize = 1 << 22;

/// An open GPU, shared by engines. It is lost if the driver or the browser's GPU process crashes.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) name: String,
    lost: Arc<Mutex<Option<String>>>,
}

impl Gpu {
    /// Opens the fastest available adapter.
    ///
    /// # Errors
    /// [`Code::GpuNoAdapter`] and [`Code::GpuNoDevice`], after which the caller uses the CPU.
    pub async fn open() -> Result<Self> {
        let instance = wgpu::Instance::default();
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..Default::default()
            })
            .await
            .map_err(|_| Message::new(Code::GpuNoAdapter))?;
        let offered = adapter.limits();
        let required_limits = wgpu::Limits {
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
            max_buffer_size: offered.max_buffer_size,
            ..wgpu::Limits::default()
        };
        let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|error| Message::new(Code::GpuNoDevice).with("detail", error))?;
        let lost = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, detail| {
            if let Ok(mut lost) = noted.lock() {
                *lost = Some(if detail.is_empty() { format!("{reason:?}") } else { detail });
            }
        });
        let info = adapter.get_info();
        let name = [info.name.as_str(), info.driver.as_str()].into_iter().find(|text| !text.is_empty());
        let name = name.unwrap_or("WebGPU").to_owned();
        Ok(Self { device, queue, name, lost })
    }

    /// Why the GPU was lost; `None` if it was not.
    pub fn lost(&self) -> Option<String> {
        self.lost.lock().ok().and_then(|lost| lost.clone())
    }

    /// Destroys the device, with the same effect as a crash; for tests and for the page's memory limits.
    pub fn destroy(&self) {
        self.device.destroy();
    }
}

impl Gpu {
    /// Writes rows of `width` floats to a buffer, each padded with zeros to `padded` floats.
    pub(super) fn upload(&self, to: &wgpu::Buffer, values: &[f32], width: u32, padded: u32) {
        let (width, padded) = (width as usize, padded as usize);
        let rows_a_piece = (UPLOAD_BYTES / 4 / padded).max(1);
        let mut piece = Vec::new();
        let mut offset = 0;
        for rows in values.chunks(rows_a_piece * width) {
            piece.clear();
            for row in rows.chunks_exact(width) {
                piece.extend_from_slice(row);
                piece.resize(piece.len().next_multiple_of(padded), 0.0);
            }
            self.queue.write_buffer(to, offset, bytemuck::cast_slice(&piece));
            offset += piece.len() as u64 * 4;
        }
    }
}

/// Opens error scopes that catch the device's errors until [`close`].
pub(super) fn guards(device: &wgpu::Device) -> [wgpu::ErrorScopeGuard; 2] {
    [wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::OutOfMemory]
        .map(|filter| device.push_error_scope(filter))
}

pub(super) async fn close(guards: [wgpu::ErrorScopeGuard; 2]) -> Result<()> {
    // Scopes close in reverse order of opening.
    for guard in guards.into_iter().rev() {
        if let Some(error) = guard.pop().await {
            return Err(Message::new(Code::GpuKernel).with("detail", error));
        }
    }
    Ok(())
}

pub(super) fn buffer(
    device: &wgpu::Device,
    label: &str,
    bytes: usize,
    usage: wgpu::BufferUsages,
) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes.max(16) as u64,
        usage,
        mapped_at_creation: false,
    })
}
