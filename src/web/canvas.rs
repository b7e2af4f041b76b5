//! A canvas as a plotters drawing backend.
