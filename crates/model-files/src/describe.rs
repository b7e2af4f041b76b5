//! A model that was read, as the page shows it.

use serde::Serialize;

use crate::formats::Found;

/// What a person sees of a file that was read: what it is, and its model in the units of the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// What the file holds.
    #[serde(flatten)]
    pub found: Found,
    /// What each row of `coefficients` belongs to.
    pub terms: Vec<String>,
    /// `[term][output]`, over inputs as they are.
    pub coefficients: Vec<Vec<f64>>,
    /// One an output; none where the model has none.
    pub constants: Option<Vec<f64>>,
}

impl Seen {
    /// Of what was found.
    pub fn of(found: Found) -> Self {
        let folded = found.model.folded();
        // Scaling leaves a constant where there was no bias, too.
        let has_constant = found.model.bias.is_some() || folded.bias.iter().any(|bias| *bias != 0.0);
        Self {
            terms: found.model.term_names(),
            coefficients: folded.weights,
            constants: has_constant.then_some(folded.bias),
            found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats;
    use crate::run::Run;

    fn run(name: &str) -> Run {
        let path = format!("{}/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Run::read(&std::fs::read(path).expect("a sample")).expect("a run")
    }

    /// y = 2 x + 1 seen through standardized x: the constant takes what the center was worth.
    #[test]
    fn shows_a_model_in_the_units_of_the_data() {
        for name in ["story", "powers", "mixed", "classes"] {
            let run = run(name);
            let seen = Seen::of(formats::read(run.text.as_bytes()).expect("a model"));
            let model = &seen.found.model;
            assert_eq!(seen.terms.len(), seen.coefficients.len(), "{name}");
            let mut features = vec![0.0; model.map.n_features()];
            let row = vec![0.0; model.inputs.len()];
            // Of a row of zeros and first levels nothing is left but the constants.
            for (z, constant) in
                model.outputs(&row, &mut features).iter().zip(seen.constants.as_ref().expect("a bias"))
            {
                let size = constant.abs().max(1.0);
                assert!((z - constant).abs() < 1e-6 * size, "{name}: {z} and {constant}");
            }
        }
    }
}
