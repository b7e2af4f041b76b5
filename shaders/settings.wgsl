// Settings in which runs differ, as RunSettings in src/backend/kernel.rs.

struct RunSettings {
    l1: f32,
    l2: f32,
    fold: u32,
    training_scale: f32,
    validation_scale: f32,
    rate_factor: f32,
    seed_offset: u32,
}

@group(0) @binding(9) var<storage, read> settings: array<RunSettings>;
