//! Keras 3's archive (`.keras`): `config.json`, `metadata.json`, and the arrays in
//! `model.weights.h5`.
//!
//! Arrays are stored at `layers/dense`, `layers/dense_1`, ... `/vars/0`, numbered by class and
//! independent of layer names.

use downhill::message::Result;
use hdf5_pure::{AttrValue, FileBuilder, LibVer};
use serde_json::{Value, json};

use crate::archive::{self, Archive, damaged};
use crate::format::{FormatSpec, Group, Plain};
use crate::hdf5::{Hdf5, internal};
use crate::keras::{self, Dialect, RUN};
use crate::keras_config::{self, Of};
use crate::network::{Manner, Network};
use crate::run::Run;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "keras",
    group: Group::Models,
    file_name: "downhill-step-{step}.keras",
    recognizes: |content| content.files.as_deref().is_some_and(is_keras),
    write,
    read: Some(read),
    holds: keras::holds,
    how_to_load: keras::how_to_load,
};

const NAME: &str = "Keras";
const CONFIG: &str = "config.json";
const METADATA: &str = "metadata.json";
const WEIGHTS: &str = "model.weights.h5";

/// Whether an archive with these files is a Keras archive.
fn is_keras(names: &[String]) -> bool {
    [CONFIG, WEIGHTS].iter().all(|name| names.iter().any(|own| own == name))
}

fn write(run: &Run) -> Result<Vec<u8>> {
    let network = Network::of(&run.model(), Manner::Keras);
    let mut config = keras::model_config(&network, Dialect::Keras3);
    if let Some(training) = keras::training(run, Dialect::Keras3) {
        config["compile_config"] = training;
    }
    let metadata = json!({ "keras_version": "3.0.0", RUN: run.text });
    let weights = weights(&network)?;
    archive::packed(&[
        (METADATA, metadata.to_string().as_bytes()),
        (CONFIG, config.to_string().as_bytes()),
        (WEIGHTS, &weights),
    ])
}

fn weights(network: &Network) -> Result<Vec<u8>> {
    let mut file = FileBuilder::new();
    file.with_libver_bounds(LibVer::Earliest, LibVer::V18);
    let mut layers = file.create_group("layers");
    for (nth, (place, weights)) in keras::weights(network).into_iter().enumerate() {
        let mut layer = layers.create_group(&counted("dense", nth));
        let mut vars = layer.create_group("vars");
        vars.set_attr("name", AttrValue::VarLenString(network.nodes[place].name.clone()));
        for (k, weight) in weights.iter().enumerate() {
            let shape: Vec<u64> = weight.shape.iter().map(|size| *size as u64).collect();
            vars.create_dataset(&k.to_string()).with_f32_data(weight.values).with_shape(&shape);
        }
        layer.add_group(vars.finish());
        layers.add_group(layer.finish());
    }
    file.add_group(layers.finish());
    file.finish().map_err(internal)
}

/// Numbers layers of a class as Keras does: `dense`, `dense_1`, `dense_2`, ...
fn counted(name: &str, nth: usize) -> String {
    if nth == 0 { name.to_owned() } else { format!("{name}_{nth}") }
}

/// Converts a class name such as `BatchNormalization` to `batch_normalization`.
fn snake(class: &str) -> String {
    let mut name = String::new();
    for (place, letter) in class.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn read(bytes: &[u8]) -> Result<Plain> {
    let mut archive = Archive::open(bytes, NAME)?;
    let json = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).map_err(|error| damaged(NAME, error));
    let config = json(archive.need(CONFIG)?)?;
    let metadata = archive.get(METADATA)?.map(json).transpose()?.unwrap_or_default();
    let file = Hdf5::open(&archive.need(WEIGHTS)?, NAME)?;
    let mut weights = |of: &Of<'_>| {
        let vars = format!("layers/{}/vars", counted(&snake(of.class), of.nth));
        // No supported layer has more arrays.
        (0..8).map_while(|k| file.tensor(&format!("{vars}/{k}")).transpose()).collect()
    };
    let network = keras_config::network(&config, NAME, &mut weights)?;
    let carried = metadata[RUN].as_str().map(str::to_owned);
    let model = keras::with_names(network.model(NAME)?, carried.as_deref());
    let producer = match metadata["keras_version"].as_str() {
        _ if carried.is_some() => None,
        version => version.map(|version| format!("Keras {version}")),
    };
    Ok(Plain { producer, model, carried })
}
