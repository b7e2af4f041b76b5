// The weight of a row: its sample weight, or 0 if its fold is not summed.

// Weight and fold.
@group(0) @binding(8) var<storage, read> shares: array<vec2<f32>>;

fn share_of(row: u32, run: u32, step: StepParams) -> f32 {
    let share = shares[row];
    let held_out = u32(share.y) == settings[run].fold;
    return select(0.0, share.x, held_out == ((step.flags & VALIDATE) != 0u));
}
