//! Turns column names into identifiers that are valid in every target language.

use std::collections::HashSet;

use downhill::dataset::Input;

/// The maximum number of letters in an identifier.
const MAX_LETTERS: usize = 40;

/// The reserved words of the target languages, and identifiers that the generated code uses. Only
/// lower-case words matter, because identifiers are lower-case.
const RESERVED: &str = "
    abstract alignas alignof and arguments as asm assert async auto await become bool boolean box break byte case catch char
    class const constexpr continue crate debugger def default del delete do double dyn elif else enum eval except export
    extends extern false final finally float fn for from function gen global goto if impl implements import in inline
    instanceof int interface is lambda let long loop macro match mod move mut native new none nonlocal not null nullptr or
    override package pass pin priv private protected pub public raise raw ref register restrict return self short signed
    sizeof static static_assert str struct super switch synchronized this thread_local throw throws trait transient true try
    type typedef typeof undefined union unsafe unsized unsigned use var virtual void volatile wchar_t where while with yield

    abs all any break errno exp f32 f64 i386 isnan linux main nan np object panic predict probability stderr stdin stdout
    strcmp string u8 unix vec
";

/// Returns a distinct identifier for each input.
pub(super) fn of(inputs: &[Input]) -> Vec<String> {
    let mut taken: HashSet<String> = RESERVED.split_whitespace().map(str::to_owned).collect();
    let mut names = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        let mut name = plain(&input.name);
        if name.is_empty() {
            name = format!("x{}", index + 1);
        } else if name.starts_with(|letter: char| letter.is_ascii_digit()) {
            name.insert_str(0, "x_");
        }
        if taken.contains(&name) {
            let free = (2..).map(|n| format!("{name}_{n}")).find(|name| !taken.contains(name));
            name = free.unwrap_or_default();
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// Reduces a name to lower-case letters, digits and single underscores.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if plain.len() >= MAX_LETTERS {
            break;
        }
        match spelled(letter) {
            "" if letter.is_ascii_alphanumeric() => plain.push(letter),
            "" if plain.is_empty() || plain.ends_with('_') => {}
            "" => plain.push('_'),
            spelled => plain.push_str(spelled),
        }
    }
    plain.trim_end_matches('_').to_owned()
}

/// Returns a letter of a Western European language without its diacritics.
fn spelled(letter: char) -> &'static str {
    match letter {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à'..='å' => "a",
        'ç' => "c",
        'è'..='ë' => "e",
        'ì'..='ï' => "i",
        'ñ' => "n",
        'ò'..='õ' | 'ø' => "o",
        'ù'..='û' => "u",
        'ý' | 'ÿ' => "y",
        '%' => "percent",
        _ => "",
    }
}
