//! A run of Downhill, as its own file has it: the model and all that made it.

use downhill::message::{Code, Message, Result};
use downhill::run_file::{self, RunFile};

use crate::model::Model;

/// What is taken away.
#[derive(Clone, Debug)]
pub struct Run {
    /// The run file.
    pub file: RunFile,
    /// Its text, without blanks: carried by whatever format has a place for it.
    pub text: String,
}

impl Run {
    /// Of a run file's text.
    ///
    /// # Errors
    /// Those of [`run_file::read`].
    pub fn read(text: &[u8]) -> Result<Self> {
        run_file::read(text)?;
        let wrong = |error| Message::new(Code::WeightsNotJson).with("detail", error);
        let file: RunFile = serde_json::from_slice(text).map_err(wrong)?;
        let text = serde_json::to_string(&file).map_err(wrong)?;
        Ok(Self { file, text })
    }

    /// The model alone.
    pub fn model(&self) -> Model {
        let layer = &self.file.layers[0];
        Model {
            inputs: self.file.columns.inputs.clone(),
            target: self.file.columns.target.clone(),
            target_levels: self.file.columns.target_levels.clone(),
            map: self.file.feature_map.clone(),
            weights: layer.kernel.clone(),
            bias: layer.bias.clone(),
            activation: layer.response,
        }
    }
}
