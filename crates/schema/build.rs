//! Generates the wire types from `proto-schemas`, without a protoc binary.

use std::error::Error;

const FOLDER: &str = "../../proto-schemas";
const FILES: [&str; 5] = ["flow.proto", "prediction.proto", "threat.proto", "host.proto", "job.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let descriptors = protox::compile(FILES, [FOLDER])?;
    prost_build::Config::new().btree_map(["."]).compile_fds(descriptors)?;
    Ok(())
}
