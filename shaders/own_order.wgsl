// The seed of the row order, where runs have their own.
fn seed_offset(run: u32) -> u32 {
    return settings[run].seed_offset;
}
