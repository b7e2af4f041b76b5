//! Shaders and Rust agree: names, offsets, sizes, workgroups.

use std::collections::BTreeMap;
use std::mem::offset_of;
use std::sync::OnceLock;

use downhill::backend::kernel::{
    Block, DESCEND, GRADIENT, GRADIENT_WIDE, Kernel, Reaction, RunParams, RunSettings, SHARED_CONSTANTS,
    SHARED_FLOATS, Shape, SlotSet, StepParams, UPDATE, WORKGROUP_SIZE,
};
use downhill::choices::loss::kind;

/// Every kernel at shapes of every kind, by name, with its expected workgroup size.
fn modules() -> &'static [(&'static str, naga::Module, u32)] {
    static MODULES: OnceLock<Vec<(&'static str, naga::Module, u32)>> = OnceLock::new();
    MODULES.get_or_init(parse)
}

fn parse() -> Vec<(&'static str, naga::Module, u32)> {
    let mut modules = Vec::new();
    let mut shapes = Vec::new();
    // A hundred rows descend in half a workgroup; 1,900 rows of one feature nearly fill its memory.
    for (n_samples, n_features, bias) in [
        (100, 1, true),
        (1900, 1, true),
        (5000, 1, false),
        (500, 5, true),
        (100, 16, true),
        (100, 17, true),
        (5000, 100, false),
        (100, 4097, true),
    ] {
        let plain = Shape {
            n_samples,
            n_features,
            n_outputs: 1,
            bias,
            loss: kind::SQUARED,
            weighted: false,
            settings: false,
            own_orders: false,
            slots: SlotSet::ALL,
        };
        shapes.push(plain);
        shapes.push(Shape { slots: SlotSet::LEAST, ..plain });
        // Long kernels take a debug build of naga several seconds.
        if n_features <= 17 {
            shapes.push(Shape { loss: kind::LOGISTIC, weighted: bias, settings: true, ..plain });
            shapes.push(Shape { settings: true, own_orders: true, ..plain });
            shapes.push(Shape { loss: kind::SOFTMAX, n_outputs: 3, ..plain });
        }
        if n_features == 16 {
            shapes.push(Shape { loss: kind::SOFTMAX, n_outputs: 10, weighted: true, ..plain });
        }
    }
    for shape in shapes.into_iter().filter(Shape::fits) {
        let sums: Vec<&Kernel> = if shape.wide() {
            GRADIENT_WIDE.iter().collect()
        } else {
            GRADIENT.iter().chain(&DESCEND).collect()
        };
        let kernels = sums.into_iter().chain([&UPDATE]);
        for kernel in kernels {
            let source = kernel.source(&shape);
            let module = naga::front::wgsl::parse_str(&source)
                .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(&source)));
            let mut validator = naga::valid::Validator::new(
                naga::valid::ValidationFlags::all(),
                naga::valid::Capabilities::empty(),
            );
            validator.validate(&module).unwrap_or_else(|error| panic!("{}: {error:?}", kernel.name));
            modules.push((kernel.name, module, kernel.workgroup_size(&shape)));
        }
    }
    modules
}

#[test]
fn entry_points_bear_the_kernels_names_and_sizes() {
    for (name, module, size) in modules() {
        assert!([WORKGROUP_SIZE, WORKGROUP_SIZE / 2].contains(size));
        let [entry] = module.entry_points.as_slice() else { panic!("{name}: one entry point a kernel") };
        assert_eq!(entry.name, *name);
        assert_eq!(entry.workgroup_size, [*size, 1, 1]);
    }
}

#[test]
fn workgroups_stay_within_the_memory_that_every_device_has() {
    for (name, module, _) in modules() {
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let bytes: u32 = module
            .global_variables
            .iter()
            .filter(|(_, variable)| variable.space == naga::AddressSpace::WorkGroup)
            .map(|(_, variable)| layouter[variable.ty].size.next_multiple_of(16))
            .sum();
        // WebGPU's default limit.
        assert!(bytes <= 16_384, "{name}: {bytes}");
    }
}

#[test]
fn structs_have_the_same_layout() {
    macro_rules! fields {
        ($name:ident: $($field:ident)*) => {
            (stringify!($name), size_of::<$name>(), vec![$((stringify!($field), offset_of!($name, $field))),*])
        };
    }
    let expected = [
        fields!(StepParams: learning_rate correction1 correction2 epoch batch_start batch_len flags n_tiles),
        fields!(RunParams: n_samples n_features n_parameters n_runs trace_capacity seed block_rows max_tiles rule beta1
            beta2 epsilon weight_decay reaction increase decrease threshold patience cooldown minimum_scale
            divergence_limit target_loss target_gradient_norm steps_per_dispatch loss loss_parameter),
        fields!(RunSettings: l1 l2 fold training_scale validation_scale rate_factor seed_offset),
        fields!(Block: first_row end_row index n_blocks),
        fields!(Reaction: rate_scale best_loss anchor_loss epoch_loss epoch_loss_tail epoch_rows n_tail n_bad
            cooldown_left halt taken cursor evaluated_loss evaluated_gradient_norm last_epoch_loss padding),
    ];
    let mut n_found = [0; 5];
    for (kernel, module, _) in modules() {
        for (i, (name, size, fields)) in expected.iter().enumerate() {
            let found = module.types.iter().find(|(_, found)| found.name.as_deref() == Some(name));
            if found.is_none() && *name == "RunSettings" {
                // Plain kernels do without it.
                continue;
            }
            n_found[i] += 1;
            let (_, found) = found.unwrap_or_else(|| panic!("{kernel}: no struct {name}"));
            let naga::TypeInner::Struct { members, span } = &found.inner else { panic!("{name}: a struct") };
            assert_eq!(*span as usize, *size, "{kernel}: size of {name}");
            let members: Vec<(&str, usize)> =
                members.iter().map(|m| (m.name.as_deref().unwrap(), m.offset as usize)).collect();
            assert_eq!(&members, fields, "{kernel}: fields of {name}");
        }
    }
    assert!(n_found.iter().all(|n| *n > 10), "{n_found:?}");
}

/// Every constant that Rust puts in front of a kernel.
fn shared_constants() -> Vec<(String, u32)> {
    let shared = SHARED_CONSTANTS.iter().map(|(name, value)| ((*name).to_owned(), *value));
    shared.chain(downhill::choices::kernel_constants()).collect()
}

#[test]
fn constants_are_the_same() {
    let expected = shared_constants();
    assert!(expected.len() > 25, "{expected:?}");
    for (kernel, module, _) in modules() {
        for (name, value) in &expected {
            let named = |constant: &naga::Constant| constant.name.as_deref() == Some(name);
            let (_, constant) = module
                .constants
                .iter()
                .find(|(_, constant)| named(constant))
                .unwrap_or_else(|| panic!("{kernel}: no constant {name}"));
            let naga::Expression::Literal(naga::Literal::U32(found)) =
                module.global_expressions[constant.init]
            else {
                panic!("{name}: a u32")
            };
            assert_eq!(found, *value, "{kernel}: {name}");
        }
    }
}

#[test]
fn no_constant_is_written_twice() {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let shared = shared_constants().into_iter().map(|(name, _)| name);
    for name in shared.chain(SHARED_FLOATS.iter().map(|(name, _)| (*name).to_owned())) {
        assert_eq!(owners.insert(name.clone(), "Rust".to_owned()), None, "{name} in Rust");
    }
    let shaders = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut n_files = 0;
    for entry in std::fs::read_dir(shaders).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        n_files += 1;
        for line in text.lines().filter_map(|line| line.strip_prefix("const ")) {
            let name = line.split([':', ' ']).next().unwrap();
            let owner = owners.insert(name.to_owned(), path.display().to_string());
            assert_eq!(owner, None, "{name} in {}", path.display());
        }
        // A number instead of a name would define the value twice.
        assert!(!text.contains("case 1u"), "{} tells entries apart by numbers", path.display());
    }
    assert!(n_files > 15);
}
