//! Answers the page's requests for predictions.

use super::Session;
use crate::dataset::Input;
use crate::message::{Code, Message, Result};
use crate::number;
use crate::protocol::Answer;
use crate::trainer::Explanation;

impl Session {
    /// Predicts with a model of one input, at every number in a text.
    pub(super) fn predict(&self, inputs: &str) -> Result<Answer> {
        let separates = |c: char| c.is_whitespace() || [',', ';', '[', ']', '，', '、'].contains(&c);
        let words = inputs.split(separates).filter(|word| !word.is_empty());
        let number =
            |word: &str| number::parse(word).ok_or(Message::new(Code::InputNotANumber).with("text", word));
        let inputs = words.map(number).collect::<Result<Vec<f64>>>()?;
        if inputs.is_empty() {
            return Err(Code::NothingToPredict.into());
        }
        let trainer = &self.run()?.trainer;
        let outputs = inputs.iter().map(|x| trainer.predict(*x)).collect();
        Ok(Answer::Predicted { inputs, outputs })
    }

    /// Predicts a row from the text of each input, and attributes the prediction to the inputs.
    pub(super) fn predict_row(&self, values: &[String]) -> Result<Answer> {
        let trainer = &self.run()?.trainer;
        let inputs = &trainer.task().dataset.inputs;
        if values.len() != inputs.len() {
            return Err(Message::new(Code::Internal).with("detail", "one value per input is needed"));
        }
        let row = inputs.iter().zip(values).map(|(input, text)| value(input, text.trim()));
        let row = row.collect::<Result<Vec<f64>>>()?;
        let explained = trainer
            .explain_row(&row)
            .ok_or_else(|| Message::new(Code::Internal).with("detail", "only linear models are explained"))?;
        let Explanation { sum, baseline, contributions, response, .. } = explained;
        Ok(Answer::Explained { output: sum, baseline, contributions, response })
    }
}

/// Parses the value of an input: a number, or the index of the level that the text names.
fn value(input: &Input, text: &str) -> Result<f64> {
    let (value, refusal) = if input.levels.is_empty() {
        (number::parse(text), Code::InputNotANumber)
    } else {
        let level = input.levels.iter().position(|level| level == text);
        (level.map(|level| level as f64), Code::NoSuchLevel)
    };
    value.ok_or_else(|| Message::new(refusal).with("column", &input.name).with("text", text))
}
