//! Prepares the shaders for `src/backend/kernel.rs`: removes comments and unneeded spaces to
//! shorten the first load, and marks loops to unroll by single bytes.

use std::{env, fs, path::Path};

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=shaders");
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    for entry in fs::read_dir("shaders")? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        fs::write(Path::new(&out).join(path.file_name().unwrap_or_default()), prepare(&text))?;
    }
    Ok(())
}

/// Turns `for (var i = 0u; i < N; i++) { // unrolled` into `\x01i N` and its closing brace into
/// `\x02`; a nested one into `\x03` and `\x04`.
fn prepare(text: &str) -> String {
    let (mut bare, mut depth) = (String::new(), 0);
    let mut marked = Vec::new();
    for line in text.lines() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let code = code.trim();
        if comment.trim() == "unrolled" {
            let words: Vec<&str> = code.split([' ', ';']).filter(|word| !word.is_empty()).collect();
            assert!(
                words.len() == 10 && words[..2] == ["for", "(var"],
                "not a loop that can be written out: {code}"
            );
            bare.push(mark(marked.len(), 1));
            bare.push_str(&format!("{} {}\n", words[2], words[7]));
            marked.push(depth);
            depth += 1;
            continue;
        }
        depth = code.chars().fold(depth, |depth, letter| match letter {
            '{' => depth + 1,
            '}' => depth - 1,
            _ => depth,
        });
        if marked.last() == Some(&depth) && code == "}" {
            marked.pop();
            bare.push(mark(marked.len(), 2));
            bare.push('\n');
        } else if !code.is_empty() {
            bare.push_str(&without_spaces(code));
            bare.push('\n');
        }
    }
    assert!(marked.is_empty(), "a loop without an end");
    bare
}

/// Removes spaces that separate neither names nor operators.
fn without_spaces(code: &str) -> String {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let is_operator = |letter: char| "+-*/%&|^<>=!".contains(letter);
    let letters: Vec<char> = code.chars().collect();
    let parts = |i: usize| {
        let neighbours = (letters[i - 1], letters[i + 1]);
        let both = |kind: &dyn Fn(char) -> bool| kind(neighbours.0) && kind(neighbours.1);
        both(&is_name) || both(&is_operator)
    };
    // No line begins or ends with a space.
    let kept = letters.iter().enumerate().filter(|(i, letter)| **letter != ' ' || parts(*i));
    kept.map(|(_, letter)| letter).collect()
}

fn mark(level: usize, which: u8) -> char {
    // The next bytes would be line feeds.
    assert!(level < 4, "too many loops inside each other");
    char::from(2 * level as u8 + which)
}
