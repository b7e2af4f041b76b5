// How much a row counts: by its weight, and not at all where its fold is not what is summed.

// Weight and fold.
@group(0) @binding(8) var<storage, read> shares: array<vec2<f32>>;

fn share_of(row: u32, run: u32, step: StepParams) -> f32 {
    let share = shares[row];
    let held_out = u32(share.y) == settings[run].fold;
    return select(0.0, share.x, held_out == ((step.flags & VALIDATE) != 0u));
}
