//! A model as Keras and TensorFlow.js have it: layers, each fed by others.
//!
//! A plain model is a chain, [scaling] -> `Dense`. Powers, levels and products take a few layers more, all of them layers
//! that Keras and TensorFlow.js have of their own. Let the row `r` be the scaled numbers and, of each category, one 0 or 1 a level:
//! a feature is a product of factors, each an entry of the row, so with `S_i` of zeros and ones (a bias of 1 stands where a
//! feature has fewer factors than others)
//!
//! `features = (r S_1 + b_1) * (r S_2 + b_2) * ...`, then scaling, then `Dense`.
//!
//! Whatever the model did not learn is frozen, so that whoever trains it further trains the weights alone.

use downhill::dataset::Term;
use downhill::model::Response;

use downhill::foreign::Model;

/// Layers in an order in which each stands behind those that feed it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    /// The layers.
    pub(crate) nodes: Vec<Node>,
    /// Those that take a row, in its order.
    pub(crate) inputs: Vec<usize>,
    /// The one whose outputs are the model's.
    pub(crate) output: usize,
}

/// A layer and what feeds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Its name, like no other's.
    pub(crate) name: String,
    /// What it does.
    pub(crate) layer: Layer,
    /// By their places.
    pub(crate) from: Vec<usize>,
}

/// What a layer does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layer {
    /// Numbers of a row.
    Numbers {
        /// How many, where that is known.
        width: Option<usize>,
    },
    /// A word of a row.
    Word,
    /// `(x - mean) / sqrt(variance)`; one number stands for all columns.
    Normalization {
        /// Subtracted.
        mean: Vec<f64>,
        /// Its root divides.
        variance: Vec<f64>,
    },
    /// `by x + plus`; one number stands for all columns.
    Affine {
        /// Multiplies.
        by: Vec<f64>,
        /// Added.
        plus: Vec<f64>,
    },
    /// A word as one 0 or 1 a level.
    Lookup {
        /// All of them, the one that stands for unknown words included.
        levels: Vec<String>,
    },
    /// `activation(x W + b)`.
    Dense(Dense),
    /// One behind the other.
    Concatenate,
    /// Their product, column by column.
    Multiply,
    /// Their sum, column by column.
    Add,
    /// What it is given.
    Identity,
    /// An activation that is a layer of its own.
    Activation(Function),
}

/// See [`Layer::Dense`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dense {
    /// `[in, out]`, row-major.
    pub(crate) kernel: Vec<f32>,
    /// Outputs.
    pub(crate) units: usize,
    /// One an output, if any.
    pub(crate) bias: Option<Vec<f32>>,
    /// What is made of them.
    pub(crate) function: Function,
    /// Whether training changes it.
    pub(crate) trainable: bool,
}

/// What is applied to numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Function {
    /// What an output of a model may go through.
    Of(Response),
    /// `max(0, x)`.
    Relu,
    /// Any other, by its name.
    Other(String),
}

impl Function {
    /// What Keras calls it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Of(Response::Linear) => "linear",
            Self::Of(Response::Sigmoid) => "sigmoid",
            Self::Of(Response::Softmax) => "softmax",
            Self::Of(Response::Exponential) => "exponential",
            Self::Relu => "relu",
            Self::Other(name) => name,
        }
    }

    /// By that name.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "linear" => Self::Of(Response::Linear),
            "sigmoid" => Self::Of(Response::Sigmoid),
            "softmax" => Self::Of(Response::Softmax),
            "exponential" => Self::Of(Response::Exponential),
            "relu" => Self::Relu,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// How a model is said in layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// With layers that scale and that look words up.
    Keras,
    /// With neither: scaling is a frozen `Dense`, and a category comes as the index of its level.
    Tfjs,
}

impl Network {
    /// The network of a model, and which of its layers holds what was learned.
    pub(crate) fn of(model: &Model, manner: Manner) -> Self {
        let mut network = Self { nodes: Vec::new(), inputs: Vec::new(), output: 0 };
        let row = network.row(model, manner);
        let features = network.features(model, row);
        let map = &model.map;
        let scaled = network.scaled("scaled_features", features, (&map.center, &map.scale), manner);
        let dense = Dense {
            kernel: model.weights.iter().flatten().map(|w| *w as f32).collect(),
            units: model.n_outputs(),
            bias: model.bias.as_ref().map(|bias| bias.iter().map(|b| *b as f32).collect()),
            function: Function::Of(model.activation),
            trainable: true,
        };
        network.output = network.push("dense", Layer::Dense(dense), vec![scaled]);
        network
    }

    /// Whether each layer is fed by the one before it.
    pub(crate) fn is_chain(&self) -> bool {
        let fed = |(place, node): (usize, &Node)| match place {
            0 => node.from.is_empty(),
            _ => node.from == [place - 1],
        };
        self.nodes.iter().enumerate().all(fed) && self.output + 1 == self.nodes.len()
    }

    fn push(&mut self, name: &str, layer: Layer, from: Vec<usize>) -> usize {
        let mut unique = name.to_owned();
        let mut n = 1;
        while self.nodes.iter().any(|node| node.name == unique) {
            n += 1;
            unique = format!("{name}_{n}");
        }
        self.nodes.push(Node { name: unique, layer, from });
        self.nodes.len() - 1
    }

    /// The scaled numbers, and one 0 or 1 a level.
    fn row(&mut self, model: &Model, manner: Manner) -> Row {
        let inputs = &model.map.inputs;
        let numbers: Vec<usize> = (0..inputs.len()).filter(|k| inputs[*k].n_levels == 0).collect();
        let categories: Vec<usize> = (0..inputs.len()).filter(|k| inputs[*k].n_levels > 0).collect();
        let (center, scale): (Vec<f64>, Vec<f64>) =
            numbers.iter().map(|k| (inputs[*k].center, inputs[*k].scale)).unzip();
        let (center, scale) = (&center[..], &scale[..]);
        let mut row =
            Row { places: vec![0; inputs.len()], first_level: 0, width: numbers.len(), nodes: Vec::new() };
        for (place, input) in numbers.iter().enumerate() {
            row.places[*input] = place;
        }
        if categories.is_empty() {
            let name =
                if let [only] = &model.inputs[..] { layer_name(&only.name) } else { "inputs".to_owned() };
            let input = self.push(&name, Layer::Numbers { width: Some(inputs.len()) }, Vec::new());
            self.inputs.push(input);
            row.nodes.push(self.scaled("scaled", input, (center, scale), manner));
            return row;
        }
        match manner {
            Manner::Keras => self.keras_row(model, &mut row, (&numbers, &categories), (center, scale)),
            Manner::Tfjs => self.tfjs_row(model, &mut row, (&numbers, &categories), (center, scale)),
        }
        row
    }

    /// An input for each column; words are looked up.
    fn keras_row(
        &mut self,
        model: &Model,
        row: &mut Row,
        (numbers, categories): (&[usize], &[usize]),
        scaling: (&[f64], &[f64]),
    ) {
        for input in &model.inputs {
            let layer = if input.levels.is_empty() { Layer::Numbers { width: Some(1) } } else { Layer::Word };
            let node = self.push(&layer_name(&input.name), layer, Vec::new());
            self.inputs.push(node);
        }
        let from: Vec<usize> = numbers.iter().map(|k| self.inputs[*k]).collect();
        match from[..] {
            [] => {}
            [only] => row.nodes.push(self.scaled("scaled", only, scaling, Manner::Keras)),
            _ => {
                let all = self.push("numbers", Layer::Concatenate, from);
                row.nodes.push(self.scaled("scaled", all, scaling, Manner::Keras));
            }
        }
        for k in categories {
            let name = format!("levels_of_{}", self.nodes[self.inputs[*k]].name);
            let levels = model.inputs[*k].levels.clone();
            row.places[*k] = row.width;
            row.width += levels.len();
            let node = self.push(&name, Layer::Lookup { levels }, vec![self.inputs[*k]]);
            row.nodes.push(node);
        }
    }

    /// One input of all columns; a category comes as the index of its level.
    fn tfjs_row(
        &mut self,
        model: &Model,
        row: &mut Row,
        (numbers, categories): (&[usize], &[usize]),
        (center, scale): (&[f64], &[f64]),
    ) {
        let inputs = &model.map.inputs;
        let n_inputs = inputs.len();
        let input = self.push("inputs", Layer::Numbers { width: Some(n_inputs) }, Vec::new());
        self.inputs.push(input);
        if !numbers.is_empty() {
            let mut dense = Dense::frozen(n_inputs, numbers.len());
            for (place, input) in numbers.iter().enumerate() {
                dense.set(*input, place, (1.0 / scale[place]) as f32);
                dense.set_bias(place, (-center[place] / scale[place]) as f32);
            }
            row.nodes.push(self.push("scaled", Layer::Dense(dense), vec![input]));
        }
        // Levels from the second on: the first has no feature. The hat over level l,
        // max(0, 1 - max(0, x - l) - max(0, l - x)), is 1 at l and 0 at every other.
        row.first_level = 1;
        let levels: Vec<(usize, u32)> =
            categories.iter().flat_map(|k| (1..inputs[*k].n_levels).map(move |l| (*k, l))).collect();
        let mut sides = Dense::frozen(n_inputs, 2 * levels.len());
        let mut hats = Dense::frozen(2 * levels.len(), levels.len());
        for (place, (input, level)) in levels.iter().enumerate() {
            for (side, sign) in [(2 * place, 1.0), (2 * place + 1, -1.0)] {
                sides.set(*input, side, sign);
                sides.set_bias(side, -sign * *level as f32);
                hats.set(side, place, -1.0);
            }
            hats.set_bias(place, 1.0);
        }
        sides.function = Function::Relu;
        hats.function = Function::Relu;
        for k in categories {
            row.places[*k] = row.width;
            row.width += inputs[*k].n_levels as usize - 1;
        }
        let sides = self.push("distances_to_levels", Layer::Dense(sides), vec![input]);
        row.nodes.push(self.push("levels", Layer::Dense(hats), vec![sides]));
    }

    /// Powers, levels and products; numbers as they are where there is nothing else.
    fn features(&mut self, model: &Model, row: Row) -> usize {
        let whole = match row.nodes[..] {
            [only] => only,
            _ => self.push("row", Layer::Concatenate, row.nodes.clone()),
        };
        if model.is_plain() {
            return whole;
        }
        let terms = model.map.terms();
        let factors: Vec<Vec<usize>> = terms.iter().map(|term| row.factors(&terms, *term)).collect();
        let n_factors = factors.iter().map(Vec::len).max().unwrap_or(1);
        let mut nodes = Vec::new();
        for k in 0..n_factors {
            let mut dense = Dense::frozen(row.width, terms.len());
            for (feature, own) in factors.iter().enumerate() {
                match own.get(k) {
                    Some(place) => dense.set(*place, feature, 1.0),
                    None => dense.set_bias(feature, 1.0),
                }
            }
            let name = if n_factors == 1 { "features".to_owned() } else { format!("factor_{}", k + 1) };
            nodes.push(self.push(&name, Layer::Dense(dense), vec![whole]));
        }
        match nodes[..] {
            [only] => only,
            _ => self.push("features", Layer::Multiply, nodes),
        }
    }

    /// `(x - center) / scale`, if that is anything but x.
    fn scaled(
        &mut self,
        name: &str,
        from: usize,
        (center, scale): (&[f64], &[f64]),
        manner: Manner,
    ) -> usize {
        if center.iter().all(|c| *c == 0.0) && scale.iter().all(|s| *s == 1.0) {
            return from;
        }
        // The layer that scales divides by no less than 1e-7 and works in f32, as its variance has to.
        let holds = scale.iter().all(|s| (1e-6..1e18).contains(s));
        let layer = if manner == Manner::Keras && holds {
            Layer::Normalization { mean: center.to_vec(), variance: scale.iter().map(|s| s * s).collect() }
        } else {
            let mut dense = Dense::frozen(center.len(), center.len());
            for (k, (center, scale)) in center.iter().zip(scale).enumerate() {
                dense.set(k, k, (1.0 / scale) as f32);
                dense.set_bias(k, (-center / scale) as f32);
            }
            Layer::Dense(dense)
        };
        self.push(name, layer, vec![from])
    }
}

/// Where the entries of a row are.
struct Row {
    /// The layers that make it.
    nodes: Vec<usize>,
    /// Of each input its own entry, or that of its first level that has one.
    places: Vec<usize>,
    /// Which level that is.
    first_level: usize,
    /// Entries.
    width: usize,
}

impl Row {
    /// The entries whose product a feature is.
    fn factors(&self, terms: &[Term], term: Term) -> Vec<usize> {
        match term {
            Term::Power { input, power } => vec![self.places[input]; power as usize],
            Term::Level { input, level } => vec![self.places[input] + level - self.first_level],
            Term::Product { of } => of.iter().flat_map(|k| self.factors(terms, terms[*k])).collect(),
        }
    }
}

impl Dense {
    /// Of zeros, which training leaves alone.
    fn frozen(n_inputs: usize, units: usize) -> Self {
        Self {
            kernel: vec![0.0; n_inputs * units],
            units,
            bias: Some(vec![0.0; units]),
            function: Function::Of(Response::Linear),
            trainable: false,
        }
    }

    fn set(&mut self, input: usize, output: usize, weight: f32) {
        self.kernel[input * self.units + output] = weight;
    }

    fn set_bias(&mut self, output: usize, weight: f32) {
        if let Some(bias) = &mut self.bias {
            bias[output] = weight;
        }
    }
}

/// A column's name as a layer may have it: TensorFlow takes letters, digits, `_`, `.` and `-`.
fn layer_name(name: &str) -> String {
    let kept: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '_' }).collect();
    let kept = kept.trim_matches('_');
    match kept.chars().next() {
        None => "input".to_owned(),
        Some(first) if first.is_ascii_alphanumeric() => kept.to_owned(),
        Some(_) => format!("input_{kept}"),
    }
}
