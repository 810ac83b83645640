//! The order of the modules: imports go down from floor to floor, and no modules use each other in a circle.
//! ARCHITECTURE.md shows the floors.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod graph;
mod source;

use std::path::Path;

use graph::{Crate, circular, upward};

/// Modules of a crate, floor by floor from the lowest up. A module imports from lower floors only.
type Floors = &'static [&'static [&'static str]];

const SECRETBOX: Floors = &[&["salsa20", "sizes", "tuning"], &["key", "poly1305"], &["series"], &["single"]];

const ZMTP: Floors = &[
    &["error_origin", "frame", "greeting", "metadata", "socket_type", "tuning"],
    &["message", "read_buffers", "security"],
    &["command", "decoder"],
    &["curve", "heartbeat"],
    &["handshake", "incoming"],
    &["codec"],
];

const PATTERNS: Floors = &[
    &["auth", "close_summary", "endpoint", "escaped", "log_limiter", "message", "size", "tuning"],
    &["error", "peer"],
    &["monitor", "queue", "settings"],
    &["routing", "session", "transport"],
    &["context"],
    &["connection", "options"],
    &["core"],
    &["socket"],
    &["blocking", "proxy", "zap"],
];

const PROXY: Floors = &[&["error", "peers", "tuning"], &["config"], &["mq", "slb"]];

const PROGRAMS: Floors = &[
    &["output", "plain_fields", "program", "signals", "tuning"],
    &["demo", "heap", "settings"],
    &["arguments", "credentials", "log"],
    &["sockets"],
    &["reload"],
    &["run"],
];

fn assert_imports_go_down(folder: &str, floors: Floors) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let modules = Crate::read(&workspace.join(folder));
    let known = floors.iter().flat_map(|floor| floor.iter().copied()).collect();
    assert_eq!(modules.top_modules(), known, "the modules of {folder} and the floors of this test");
    let arrows = modules.arrows();
    let upward = upward(&arrows, floors);
    assert!(upward.is_empty(), "{} imports of {folder} run up:\n{}", upward.len(), upward.join("\n"));
    let circular = circular(&arrows);
    assert!(circular.is_empty(), "modules of {folder} use each other in a circle:\n{}", circular.join("\n"));
}

#[test]
fn imports_of_secretbox_go_down() {
    assert_imports_go_down("secretbox/src", SECRETBOX);
}

#[test]
fn imports_of_zmtp_go_down() {
    assert_imports_go_down("zmtp/src", ZMTP);
}

#[test]
fn imports_of_patterns_go_down() {
    assert_imports_go_down("patterns/src", PATTERNS);
}

#[test]
fn imports_of_proxy_go_down() {
    assert_imports_go_down("proxy/src", PROXY);
}

#[test]
fn imports_of_the_programs_go_down() {
    assert_imports_go_down("proxy/programs/src", PROGRAMS);
}

/// Returns a crate of modules, each with its text.
fn crate_of(modules: &[(&str, &str)]) -> Crate {
    let mut read = Crate::default();
    for (name, text) in modules {
        let module = name.split("::").filter(|name| !name.is_empty()).map(Into::into).collect();
        read.add(module, name.into(), text);
    }
    read
}

#[test]
fn an_upward_import_is_found_with_its_line() {
    let floors: Floors = &[&["queue"], &["socket"]];
    let down = [("", "pub use queue::Outbox;"), ("queue", ""), ("socket", "use crate::queue::Outbox;")];
    assert!(upward(&crate_of(&down).arrows(), floors).is_empty());
    for (up, line) in [
        ("use crate::socket::Pub;", 1),
        ("\nuse crate::{\n    socket::Pub,\n};", 3),
        ("fn f() {\n    crate::socket::f()\n}", 2),
        ("m! {\n    g(super::socket::f())\n}", 2),
        ("mod inner {\n    use super::super::socket::Pub;\n}", 2),
    ] {
        let found = upward(&crate_of(&[("", ""), ("queue", up), ("socket", "")]).arrows(), floors);
        assert_eq!(found, [format!("queue:{line}: `queue` (floor 1) imports `socket` (floor 2)")], "{up}");
    }
}

#[test]
fn an_import_by_the_root_is_found_and_an_import_by_a_parent_counts_for_the_owner() {
    let floors: Floors = &[&["queue"], &["socket"]];
    let by_root = [("", "pub use queue::Outbox;"), ("queue", ""), ("socket", "use crate::Outbox;")];
    assert_eq!(upward(&crate_of(&by_root).arrows(), floors).len(), 1);
    let by_parent = [
        ("", ""),
        ("queue", "mod inbound;\nmod outbox;\npub use outbox::Outbox;"),
        ("queue::outbox", ""),
        ("queue::inbound", "use super::Outbox;"),
    ];
    let arrows = crate_of(&by_parent).arrows();
    assert_eq!(arrows.len(), 1);
    assert_eq!(arrows[0].to, ["queue", "outbox"]);
}

#[test]
fn circular_imports_are_found_except_in_tests() {
    let chain = [("a", "use crate::b::B;"), ("b", "use crate::c::C;"), ("c", ""), ("", "")];
    assert!(circular(&crate_of(&chain).arrows()).is_empty());
    let circle = [("a", "use crate::b::B;"), ("b", "use crate::c::C;"), ("c", "use crate::a::A;"), ("", "")];
    assert_eq!(circular(&crate_of(&circle).arrows()).len(), 3);
    let in_tests =
        [("a", "use crate::b::B;"), ("b", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}"), ("", "")];
    assert!(circular(&crate_of(&in_tests).arrows()).is_empty());
}
