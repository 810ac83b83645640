//! Generates Rust types from the schemas. `protox` compiles them, so no `protoc` is needed.

use std::error::Error;

const SCHEMAS: [&str; 2] = ["enfonet/v1/event.proto", "enfonet/v1/call.proto"];
const ROOT: &str = "proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={ROOT}");
    let files = protox::compile(SCHEMAS, [ROOT])?;
    prost_build::Config::new()
        // A payload decoded from `Bytes` is a slice of them, not a copy.
        .bytes(["."])
        // Maps are written in the order of their keys: equal messages have equal encodings.
        .btree_map(["."])
        // Codes may be added without a new major version.
        .enum_attribute("FailureCode", "#[non_exhaustive]")
        .compile_fds(files)?;
    Ok(())
}
