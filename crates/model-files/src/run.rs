//! The run file, Downhill's own format, which contains the model, its configuration and its training state.

use downhill::foreign::Model;
use downhill::message::{Code, Message, Result};
use downhill::run_file::{self, RunFile};

use crate::format::{FormatSpec, Group, Held, Plain};

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "run_file",
    group: Group::Run,
    file_name: "downhill-weights-step-{step}.json",
    recognizes: |content| content.is_json(),
    write: |run| Ok(run.text.clone().into_bytes()),
    read: Some(|bytes| Run::read(bytes).map(Plain::of_run)),
    holds: |_, _| Some(Held::Inside),
    how_to_load: |_, _| ("", String::new()),
};

/// A parsed run file.
#[derive(Clone, Debug)]
pub struct Run {
    /// The parsed content.
    pub file: RunFile,
    /// The text of the run file without whitespace, which other formats include as a note if they can.
    pub text: String,
}

impl Run {
    /// Reads the text of a run file.
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

    /// The model in the run file.
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
