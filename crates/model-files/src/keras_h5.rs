//! Keras' HDF5 file (`.h5`), which Keras 2 and 3 read: an attribute describes the layers, and
//! groups contain their arrays.
//!
//! It is written the way Keras 2.15 does. The attribute `weight_names` of a group lists the arrays
//! of a layer, because their paths differ between versions.

use downhill::message::Result;
use hdf5_pure::{AttrValue, FileBuilder, LibVer};
use serde_json::Value;

use crate::archive::damaged;
use crate::format::{FormatSpec, Group, Plain};
use crate::hdf5::{Hdf5, SIGNATURE, internal};
use crate::keras::{self, Dialect, RUN};
use crate::keras_config::{self, Of};
use crate::network::{Manner, Network};
use crate::run::Run;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "keras_h5",
    group: Group::Models,
    file_name: "downhill-step-{step}.h5",
    recognizes: |content| content.bytes.starts_with(SIGNATURE),
    write,
    read: Some(read),
    holds: keras::holds,
    how_to_load: keras::how_to_load,
};

const NAME: &str = "Keras HDF5";
/// The Keras version that the file states, which affects how readers treat it.
const KERAS: &str = "2.15.0";

fn write(run: &Run) -> Result<Vec<u8>> {
    let network = Network::of(&run.model(), Manner::Keras);
    let text = |text: &str| AttrValue::VarLenString(text.to_owned());
    let mut file = FileBuilder::new();
    file.with_libver_bounds(LibVer::Earliest, LibVer::V18);
    file.set_attr("keras_version", text(KERAS));
    file.set_attr("backend", text("tensorflow"));
    file.set_attr("model_config", text(&keras::model_config(&network, Dialect::Keras2).to_string()));
    if let Some(training) = keras::training(run, Dialect::Keras2) {
        file.set_attr("training_config", text(&training.to_string()));
    }
    file.set_attr(RUN, text(&run.text));
    let mut all = file.create_group("model_weights");
    all.set_attr("backend", text("tensorflow"));
    all.set_attr("keras_version", text(KERAS));
    let names = network.nodes.iter().map(|node| node.name.clone()).collect();
    all.set_attr("layer_names", AttrValue::VarLenStringArray(names));
    let weights = keras::weights(&network);
    for (place, node) in network.nodes.iter().enumerate() {
        let mut group = all.create_group(&node.name);
        if let Some((_, weights)) = weights.iter().find(|(own, _)| *own == place) {
            let names = weights.iter().map(|weight| format!("{}/{}:0", node.name, weight.name)).collect();
            group.set_attr("weight_names", AttrValue::VarLenStringArray(names));
            let mut inner = group.create_group(&node.name);
            for weight in weights {
                let shape: Vec<u64> = weight.shape.iter().map(|size| *size as u64).collect();
                inner
                    .create_dataset(&format!("{}:0", weight.name))
                    .with_f32_data(weight.values)
                    .with_shape(&shape);
            }
            group.add_group(inner.finish());
        }
        all.add_group(group.finish());
    }
    file.add_group(all.finish());
    file.finish().map_err(internal)
}

fn read(bytes: &[u8]) -> Result<Plain> {
    let file = Hdf5::open(bytes, NAME)?;
    let attributes = file.attributes()?;
    let config = attributes.text("model_config");
    let config = config.ok_or_else(|| {
        damaged(NAME, "it has no attribute model_config, so it has only weights or no model")
    })?;
    let config: Value = serde_json::from_str(config).map_err(|error| damaged(NAME, error))?;
    let mut weights = |of: &Of<'_>| {
        let group = format!("model_weights/{}", of.name);
        let names = file.attributes_of(&group)?.map(|attributes| attributes.texts("weight_names"));
        let tensor = |name: &String| {
            let path = format!("{group}/{name}");
            file.tensor(&path)?.ok_or_else(|| damaged(NAME, format_args!("it has no {path}")))
        };
        // No supported layer has more arrays.
        names.unwrap_or_default().iter().take(8).map(tensor).collect()
    };
    let network = keras_config::network(&config, NAME, &mut weights)?;
    let carried = attributes.text(RUN).map(str::to_owned);
    let model = keras::with_names(network.model(NAME)?, carried.as_deref());
    let producer = match attributes.text("keras_version") {
        _ if carried.is_some() => None,
        version => version.map(|version| format!("Keras {version}")),
    };
    Ok(Plain { producer, model, carried })
}
