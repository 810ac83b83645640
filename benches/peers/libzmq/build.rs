//! Links libsodium, if libzmq is built with it.

fn main() {
    println!("cargo::rerun-if-env-changed=CXXFLAGS");
    let flags = std::env::var("CXXFLAGS").unwrap_or_default();
    if flags.contains("ZMQ_USE_LIBSODIUM") {
        // The linker needs it behind libzmq, which uses it.
        println!("cargo::rustc-link-arg-bins=-lsodium");
    }
}
