//! Labelled captures in, model bundles out.
