//! Identifies the terms of a model by their content, independent of their order in a feature map.

use crate::dataset::{FeatureMap, Input, Term};

/// Identifies the term of a coefficient. Inputs are numbered as in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A power of an input or a level of a category.
    Single(Factor),
    /// A product of a power or level of two different inputs, in ascending order.
    Product([Factor; 2]),
    /// The constant term, which is 1 for every row.
    Constant,
}

/// A power of an input or a level of a category, alone or as a factor of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Factor {
    /// A power of an input: `(input index, exponent)`, with an exponent of at least 1.
    Power(usize, u32),
    /// A level of a category, `(input index, level index)`: 1 if a row has this level, else 0.
    Level(usize, usize),
}

impl Key {
    pub(super) fn product(a: Factor, b: Factor) -> Self {
        Self::Product(if a <= b { [a, b] } else { [b, a] })
    }

    /// Returns the name of the term, as [`crate::model::term_names`] does.
    pub(super) fn name(&self, inputs: &[Input]) -> String {
        let factor = |factor: &Factor| match *factor {
            Factor::Power(input, 1) => inputs[input].name.clone(),
            Factor::Power(input, power) => format!("{}^{power}", inputs[input].name),
            Factor::Level(input, level) => {
                let input = &inputs[input];
                format!("{} = {}", input.name, input.levels.get(level).map_or("", String::as_str))
            }
        };
        match self {
            Self::Single(single) => factor(single),
            Self::Product([a, b]) => format!("{} * {}", factor(a), factor(b)),
            Self::Constant => String::new(),
        }
    }
}

/// Returns the term of each feature of a map, in order.
pub(super) fn keys(map: &FeatureMap) -> Vec<Key> {
    let terms = map.terms();
    let key = |term: &Term| match *term {
        Term::Power { input, power } => Key::Single(Factor::Power(input, power)),
        Term::Level { input, level } => Key::Single(Factor::Level(input, level)),
        Term::Product { of } => {
            let [a, b] = of.map(|feature| match terms[feature] {
                Term::Level { input, level } => Factor::Level(input, level),
                Term::Power { input, power } => Factor::Power(input, power),
                // A product's factors are no products.
                Term::Product { .. } => Factor::Power(0, 0),
            });
            Key::product(a, b)
        }
    };
    terms.iter().map(key).collect()
}
